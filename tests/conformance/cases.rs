//! The list: a state that can be made, what is done to it, and what must be seen then on any servers.
//! It is plain data and needs nothing.
//!
//! Every case starts from three hosts, 1 leading and 2 and 3 following it, semi-sync on, the writer VIP
//! on 1, and no rows but those of the beginning.

/// What is done to the three hosts first, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// A client writes so many rows through host 1; all are acknowledged and received.
    Rows(usize),
    /// The applier of this host is stopped, the receiver goes on.
    ApplierStopped(u32),
    /// The receiver of this host is stopped, the applier goes on.
    ReceiverStopped(u32),
    /// Both threads of this host are stopped.
    BothStopped(u32),
    /// A client's commit waits on host 1: in its binary log, on no replica. Follows `ReceiverStopped`
    /// of both replicas.
    Waiting,
    /// The server process of this host is killed, and nothing starts it.
    Killed(u32),
}

/// The action under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// `Drain` there.
    Drain(u32),
    /// `Promote` there, with a row of its own for proof.
    Promote(u32),
    /// `Promote` there, with what it has applied for proof.
    PromoteFollowed(u32),
    /// `Replicate` there, from the second.
    Replicate(u32, u32),
    /// `Repoint` there, to the second.
    Repoint(u32, u32),
    /// `Demote` there.
    Demote(u32),
    /// `Fence` over ssh there.
    Fence(u32),
    /// `Unfence` there.
    Unfence(u32),
    /// `Rewind` there.
    Rewind(u32),
    /// `Salvage` there, from the second.
    Salvage(u32, u32),
    /// `CatchUp` there, from the second, until everything that it has received.
    CatchUp(u32, u32),
    /// Read-only off there.
    Writable(u32),
    /// Semi-sync as source off there.
    WaitForNobody(u32),
    /// Semi-sync as source on there.
    WaitForReplicas(u32),
}

/// What is seen afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The last action says that it is done.
    Done,
    /// The last action says that it is not done.
    NotDone,
    /// So many client rows can be read there.
    Rows(u32, usize),
    /// It is no replica.
    FollowsNobody(u32),
    /// It follows the second.
    Follows(u32, u32),
    /// Its receiver is stopped and its applier runs.
    Drained(u32),
    /// Its receiver runs.
    Receives(u32),
    /// It refuses clients' writes.
    ReadOnly(u32),
    /// It takes clients' writes.
    Writable(u32),
    /// Its server does not run.
    Down(u32),
    /// Its unit is masked.
    Masked(u32),
    /// It has the VIP.
    HasVip(u32),
    /// It has not.
    HasNoVip(u32),
}

/// One case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: &'static str,
    /// The state.
    pub(crate) given: &'static [Given],
    /// The actions, one after the other.
    pub(crate) does: &'static [Does],
    /// What is seen on both flavors.
    pub(crate) seen: &'static [Seen],
    /// What is seen beside it on `MariaDB`.
    pub(crate) mariadb: &'static [Seen],
    /// What is seen beside it on `MySQL`.
    pub(crate) mysql: &'static [Seen],
}

const NOTHING: Case = Case {
    name: "",
    given: &[],
    does: &[],
    seen: &[],
    mariadb: &[],
    mysql: &[],
};

/// The list.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "draining stops the receiver and leaves the applier running",
        given: &[Given::Rows(3)],
        does: &[Does::Drain(2)],
        seen: &[
            Seen::Done,
            Seen::Rows(2, 3),
            Seen::Drained(2),
            Seen::ReadOnly(2),
        ],
        ..NOTHING
    },
    Case {
        name: "draining with a stopped applier keeps what was received",
        given: &[Given::ApplierStopped(2), Given::Rows(3), Given::Killed(1)],
        does: &[Does::Drain(2)],
        seen: &[Seen::Done, Seen::Rows(2, 3), Seen::Drained(2)],
        ..NOTHING
    },
    Case {
        name: "draining with both threads stopped keeps what was received",
        given: &[
            Given::ApplierStopped(2),
            Given::Rows(3),
            Given::BothStopped(2),
            Given::Killed(1),
        ],
        does: &[Does::Drain(2)],
        seen: &[Seen::Done, Seen::Rows(2, 3), Seen::Drained(2)],
        ..NOTHING
    },
    Case {
        name: "a replica that was given its next source stands, and only starts when that one leads",
        given: &[Given::Rows(3)],
        does: &[
            Does::Demote(1),
            Does::Repoint(3, 2),
            Does::Promote(2),
            Does::Replicate(3, 2),
        ],
        seen: &[Seen::Done, Seen::Rows(3, 3), Seen::Follows(3, 2)],
        ..NOTHING
    },
    Case {
        name: "a replica that was given its next source receives nothing from it",
        given: &[Given::Rows(3)],
        does: &[Does::Demote(1), Does::Repoint(3, 2), Does::Promote(2)],
        seen: &[Seen::Done, Seen::Rows(3, 3)],
        ..NOTHING
    },
    Case {
        name: "a replica follows before the promotion",
        given: &[Given::Rows(3)],
        does: &[
            Does::Demote(1),
            Does::Drain(2),
            Does::WaitForReplicas(2),
            Does::Repoint(3, 2),
            Does::Replicate(3, 2),
            Does::PromoteFollowed(2),
        ],
        seen: &[
            Seen::Done,
            Seen::FollowsNobody(2),
            Seen::ReadOnly(2),
            Seen::Rows(3, 3),
            Seen::Follows(3, 2),
            Seen::Receives(3),
        ],
        ..NOTHING
    },
    Case {
        name: "a replica that followed before a promotion that came to nothing goes back",
        given: &[Given::Rows(3)],
        does: &[
            Does::Demote(1),
            Does::Drain(2),
            Does::WaitForReplicas(2),
            Does::Repoint(3, 2),
            Does::Replicate(3, 2),
            Does::PromoteFollowed(2),
            Does::Replicate(3, 1),
            Does::WaitForNobody(2),
            Does::Replicate(2, 1),
        ],
        seen: &[
            Seen::Done,
            Seen::Follows(2, 1),
            Seen::Receives(2),
            Seen::Follows(3, 1),
            Seen::Receives(3),
        ],
        ..NOTHING
    },
    Case {
        name: "repointing with both threads stopped keeps what was received",
        given: &[
            Given::ApplierStopped(2),
            Given::Rows(3),
            Given::BothStopped(2),
            Given::Killed(1),
        ],
        does: &[Does::Drain(3), Does::Promote(3), Does::Replicate(2, 3)],
        seen: &[
            Seen::Done,
            Seen::Rows(2, 3),
            Seen::Follows(2, 3),
            Seen::Receives(2),
        ],
        ..NOTHING
    },
    Case {
        name: "a promoted server follows nobody, holds all, and still refuses clients",
        given: &[Given::Rows(2), Given::Killed(1)],
        does: &[Does::Drain(2), Does::Promote(2)],
        seen: &[
            Seen::Done,
            Seen::FollowsNobody(2),
            Seen::Rows(2, 2),
            Seen::HasNoVip(2),
        ],
        mariadb: &[Seen::ReadOnly(2)],
        mysql: &[Seen::ReadOnly(2)],
    },
    Case {
        name: "promoting twice is promoting once",
        given: &[Given::Rows(2), Given::Killed(1)],
        does: &[Does::Drain(2), Does::Promote(2), Does::Promote(2)],
        seen: &[Seen::Done, Seen::FollowsNobody(2), Seen::Rows(2, 2)],
        ..NOTHING
    },
    Case {
        name: "a waiting commit blocks a demotion, which leaves everything as it was",
        given: &[
            Given::ReceiverStopped(2),
            Given::ReceiverStopped(3),
            Given::Waiting,
        ],
        does: &[Does::Demote(1)],
        seen: &[Seen::NotDone, Seen::Writable(1), Seen::HasVip(1)],
        ..NOTHING
    },
    Case {
        name: "a demotion of an idle primary makes it refuse writes",
        given: &[Given::Rows(1)],
        does: &[Does::Demote(1)],
        seen: &[Seen::Done, Seen::ReadOnly(1), Seen::Receives(2)],
        ..NOTHING
    },
    Case {
        name: "semi-sync off answers OK for a row that no replica has",
        given: &[
            Given::ReceiverStopped(2),
            Given::ReceiverStopped(3),
            Given::Waiting,
        ],
        does: &[Does::WaitForNobody(1)],
        seen: &[
            Seen::Done,
            Seen::Rows(1, 1),
            Seen::Rows(2, 0),
            Seen::Rows(3, 0),
        ],
        ..NOTHING
    },
    Case {
        name: "fencing takes the VIP, the server and its restart",
        given: &[Given::Rows(1)],
        does: &[Does::Fence(1)],
        seen: &[
            Seen::Done,
            Seen::Down(1),
            Seen::Masked(1),
            Seen::HasNoVip(1),
        ],
        ..NOTHING
    },
    Case {
        name: "an unfenced server is up and read-only",
        given: &[Given::Rows(1)],
        does: &[Does::Fence(1), Does::Unfence(1)],
        seen: &[Seen::Done, Seen::ReadOnly(1), Seen::HasNoVip(1)],
        ..NOTHING
    },
    Case {
        name: "a crashed primary commits its tail when it starts",
        given: &[
            Given::ReceiverStopped(2),
            Given::ReceiverStopped(3),
            Given::Waiting,
        ],
        does: &[Does::Fence(1), Does::Unfence(1)],
        seen: &[Seen::Done, Seen::Rows(1, 1), Seen::ReadOnly(1)],
        ..NOTHING
    },
    Case {
        name: "a rewound primary has cut its tail off; where that cannot be, nothing is done",
        given: &[
            Given::ReceiverStopped(2),
            Given::ReceiverStopped(3),
            Given::Waiting,
        ],
        does: &[Does::Fence(1), Does::Rewind(1)],
        seen: &[Seen::Done],
        mariadb: &[Seen::ReadOnly(1), Seen::Rows(1, 0)],
        mysql: &[Seen::Down(1), Seen::Masked(1)],
    },
    Case {
        name: "salvage brings the tail that nobody received",
        given: &[
            Given::ReceiverStopped(2),
            Given::ReceiverStopped(3),
            Given::Waiting,
        ],
        does: &[Does::Fence(1), Does::Drain(2), Does::Salvage(2, 1)],
        seen: &[Seen::Done, Seen::Rows(2, 1), Seen::Rows(3, 0)],
        ..NOTHING
    },
    Case {
        name: "what was salvaged is not fetched again, and the source may come back",
        given: &[
            Given::ReceiverStopped(2),
            Given::ReceiverStopped(3),
            Given::Waiting,
        ],
        does: &[
            Does::Fence(1),
            Does::Drain(2),
            Does::Salvage(2, 1),
            Does::Unfence(1),
            Does::Replicate(2, 1),
        ],
        seen: &[
            Seen::Done,
            Seen::Rows(1, 1),
            Seen::Rows(2, 1),
            Seen::Follows(2, 1),
            Seen::Receives(2),
        ],
        ..NOTHING
    },
    Case {
        name: "catching up fetches what another replica has more, and stops receiving",
        given: &[Given::ReceiverStopped(3), Given::Rows(2), Given::Killed(1)],
        does: &[Does::Drain(2), Does::Drain(3), Does::CatchUp(3, 2)],
        seen: &[Seen::Done, Seen::Rows(3, 2), Seen::Drained(3)],
        ..NOTHING
    },
    Case {
        name: "the whole of it: another leads, the sibling follows",
        given: &[Given::Rows(2)],
        does: &[
            Does::Fence(1),
            Does::Drain(2),
            Does::Drain(3),
            Does::Promote(2),
            Does::Replicate(3, 2),
            Does::Writable(2),
        ],
        seen: &[
            Seen::Done,
            Seen::Writable(2),
            Seen::FollowsNobody(2),
            Seen::Follows(3, 2),
            Seen::Receives(3),
            Seen::Rows(2, 2),
            Seen::Rows(3, 2),
        ],
        ..NOTHING
    },
];
