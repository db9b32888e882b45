//! What was seen on the hosts, as plain data.
//!
//! An observation is never complete, and it is old the moment it is taken: a host that did not answer
//! is [`HostView::Unreachable`], never "has no server". Nothing in here looks at anything; `observe`
//! does that. Nothing in here decides anything; `decide` does that.

mod host_view;
mod inspected;
mod login_check;
mod marks;
mod needs;
mod observation;
mod os_facts;
mod package_manager;
mod server_program;
mod vigil;

pub use host_view::{HostView, Reached, ServerView, SqlFault, Unreachable, UnreachableKind};
pub use inspected::{ClockOffset, Disk, Inspected};
pub use login_check::LoginCheck;
pub use marks::{Mark, MarkKind, Marks};
pub use needs::{Inspection, Needs};
pub use observation::Observation;
pub use os_facts::{
    FileFacts, InterfaceAddress, Login, OsFacts, PackageFacts, PathFacts, PathKind, RootAccess,
    UnitFacts, UnitState,
};
pub use package_manager::PackageManager;
pub use server_program::ServerProgram;
pub use vigil::{Beat, MachinePulse, Millis, Process, Pulse, ServerPulse, Vigil, VipPresence};
