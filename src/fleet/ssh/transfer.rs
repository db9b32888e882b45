//! Streams out of a host and into a host, each through one channel.
//!
//! The script may hold secrets (it is not in the command), the stream is not looked at. The end of a
//! stream is not its success: [`RemoteReader::finish`] and [`RemoteWriter::finish`] tell that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use openssh::ChildStdin;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::channel::Channel;
use super::error::{Effect, LinkError, LinkFault};

/// How a streaming script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// Its exit status; 0 is success, 124 means that its time on the host was over.
    pub status: i32,
    /// What a script that takes a stream wrote on standard output, the last megabyte at most.
    pub stdout: String,
    /// The end of what it wrote on standard error.
    pub stderr: String,
}

/// The standard output of a script, as it comes.
#[derive(Debug)]
pub struct RemoteReader {
    channel: Channel,
}

impl RemoteReader {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel }
    }

    /// Waits for the script's end, after its output was read to the end or is not wanted any more.
    pub async fn finish(self, deadline: Duration) -> Result<StreamEnd, LinkError> {
        let slow = late(&self.channel, deadline);
        let end = timeout(deadline, self.channel.finish())
            .await
            .map_err(|_| slow)?;
        end.map(|(status, stderr)| StreamEnd {
            status,
            stdout: String::new(),
            stderr,
        })
    }
}

impl AsyncRead for RemoteReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.channel.stdout).poll_read(context, buffer)
    }
}

/// The standard input of a script.
///
/// Shutting it down ends the input; so does dropping it. For many consumers (`mysql` among them) an
/// input that was cut looks like one that ended: who writes must know whether all was written.
#[derive(Debug)]
pub struct RemoteWriter {
    channel: Channel,
}

impl RemoteWriter {
    /// How much of the script's standard output is taken at most, in bytes.
    const MOST_OUTPUT: u64 = 1024 * 1024;

    pub(super) fn new(channel: Channel) -> Self {
        Self { channel }
    }

    /// Closes the input and waits for the script's end.
    pub async fn finish(mut self, deadline: Duration) -> Result<StreamEnd, LinkError> {
        let slow = late(&self.channel, deadline);
        let end = async move {
            drop(self.channel.stdin.take());
            let mut stdout = Vec::new();
            // A failed read shows as a missing exit status right after.
            let _ = (&mut self.channel.stdout)
                .take(Self::MOST_OUTPUT)
                .read_to_end(&mut stdout)
                .await;
            let (status, stderr) = self.channel.finish().await?;
            let stdout = String::from_utf8_lossy(&stdout).into_owned();
            Ok(StreamEnd {
                status,
                stdout,
                stderr,
            })
        };
        timeout(deadline, end).await.map_err(|_| slow)?
    }

    fn open_stdin(&mut self) -> io::Result<&mut ChildStdin> {
        self.channel
            .stdin
            .as_mut()
            .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

impl AsyncWrite for RemoteWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.open_stdin() {
            Ok(stdin) => Pin::new(stdin).poll_write(context, bytes),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.open_stdin() {
            Ok(stdin) => Pin::new(stdin).poll_flush(context),
            Err(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A pipe ends when it is closed.
        drop(self.channel.stdin.take());
        Poll::Ready(Ok(()))
    }
}

fn late(channel: &Channel, after: Duration) -> LinkError {
    channel.fail(
        LinkFault::TimedOut {
            what: "the end of a stream",
            after,
        },
        Effect::Unknown,
    )
}
