//! One stream copied into several sinks at once: a dump into all replicas.
//!
//! The slowest sink sets the pace; one that fails or stands still is dropped and never stops the
//! others. The stream is not understood here: its head and tail are kept for who does.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How much is read at once, in bytes.
const CHUNK: usize = 128 * 1024;
/// How many chunks a sink may lag behind before all wait for it.
const DEPTH: usize = 16;

/// Where a copy goes.
#[derive(Debug)]
pub struct Sink<W> {
    /// Who it is, for messages: the host's name.
    pub label: String,
    /// Where to write.
    pub writer: W,
}

/// What is kept of the stream and how long it may stand still.
#[derive(Debug, Clone, Copy)]
pub struct FanOut {
    /// How many bytes of the beginning to keep.
    pub head: usize,
    /// How many bytes of the end to keep.
    pub tail: usize,
    /// How long the source may send nothing. A dump may wait for its locks before it begins.
    pub source_stall: Duration,
    /// How long a sink may take nothing. A server may build the indexes of a table meanwhile.
    pub sink_stall: Duration,
}

impl Default for FanOut {
    fn default() -> Self {
        Self {
            head: 64 * 1024,
            tail: 4 * 1024,
            source_stall: Duration::from_mins(10),
            sink_stall: Duration::from_mins(30),
        }
    }
}

/// What became of a copy.
#[derive(Debug)]
pub struct Copied<W> {
    /// How many bytes came from the source.
    pub bytes: u64,
    /// The beginning of the stream.
    pub head: Vec<u8>,
    /// The end of the stream.
    pub tail: Vec<u8>,
    /// The source, as far as reading goes: an end that was read is not yet a success of the script
    /// behind it.
    pub source: Result<(), CopyError>,
    /// Each sink, in the order given.
    pub sinks: Vec<Delivery<W>>,
}

/// What became of one sink.
#[derive(Debug)]
pub struct Delivery<W> {
    /// Who it is.
    pub label: String,
    /// The writer, to be asked for its own account of a failure. `None` only if its task died.
    pub writer: Option<W>,
    /// How many bytes it took, or why it stopped. All bytes of a broken source are not a success:
    /// look at [`Copied::source`], too.
    pub result: Result<u64, CopyError>,
}

/// Why a copy stopped.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Reading or writing failed.
    #[error("the stream broke")]
    Io(#[from] io::Error),
    /// Nothing moved for too long.
    #[error("nothing moved for {0:?}")]
    Stalled(Duration),
    /// There is no sink left.
    #[error("no replica takes the stream any more")]
    NobodyListens,
}

type Chunk = Arc<[u8]>;

struct Pump<W> {
    /// `None` once the sink has failed.
    queue: Option<mpsc::Sender<Chunk>>,
    task: JoinHandle<(W, Result<u64, CopyError>)>,
    label: String,
}

impl<W> Drop for Pump<W> {
    fn drop(&mut self) {
        // Has no effect on a task that has ended; a copy that is given up leaves nobody writing.
        self.task.abort();
    }
}

impl FanOut {
    /// Copies `source` to all sinks until it ends, every sink has failed, or it stands still.
    ///
    /// `progress` is told how many bytes have come so far. Sinks are flushed and not shut down: the
    /// caller ends each of them as its kind demands.
    pub async fn copy<R, W>(
        &self,
        mut source: R,
        sinks: Vec<Sink<W>>,
        mut progress: impl FnMut(u64),
    ) -> Copied<W>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let mut pumps: Vec<Pump<W>> = sinks
            .into_iter()
            .map(|sink| Pump::start(sink, self.sink_stall))
            .collect();
        let mut kept = Ends {
            head: Vec::new(),
            tail: VecDeque::new(),
            limits: *self,
        };
        let mut bytes = 0;
        let mut buffer = vec![0; CHUNK];
        let read_all = loop {
            let read = match timeout(self.source_stall, source.read(&mut buffer)).await {
                Err(_) => break Err(CopyError::Stalled(self.source_stall)),
                Ok(Err(error)) => break Err(error.into()),
                Ok(Ok(0)) => break Ok(()),
                Ok(Ok(count)) => buffer.get(..count).unwrap_or_default(),
            };
            kept.take(read);
            bytes += read.len() as u64;
            if !offer_to_all(&mut pumps, &Chunk::from(read)).await {
                break Err(CopyError::NobodyListens);
            }
            progress(bytes);
        };
        let mut deliveries = Vec::new();
        // All queues end before any is waited for, so that the sinks finish side by side.
        for pump in &mut pumps {
            pump.queue = None;
        }
        for pump in pumps {
            deliveries.push(pump.finish().await);
        }
        let Ends { head, tail, .. } = kept;
        Copied {
            bytes,
            head,
            tail: tail.into(),
            source: read_all,
            sinks: deliveries,
        }
    }
}

/// False when no sink is left.
async fn offer_to_all<W>(pumps: &mut [Pump<W>], chunk: &Chunk) -> bool {
    let mut listening = false;
    for pump in pumps {
        if let Some(queue) = &pump.queue {
            // An error means that the task has ended: its sink has failed or stalled.
            if queue.send(Arc::clone(chunk)).await.is_ok() {
                listening = true;
            } else {
                pump.queue = None;
            }
        }
    }
    listening
}

impl<W: AsyncWrite + Unpin + Send + 'static> Pump<W> {
    fn start(sink: Sink<W>, stall: Duration) -> Self {
        let (queue, chunks) = mpsc::channel(DEPTH);
        let task = tokio::spawn(pump(sink.writer, chunks, stall));
        Self {
            queue: Some(queue),
            task,
            label: sink.label,
        }
    }

    async fn finish(mut self) -> Delivery<W> {
        let label = std::mem::take(&mut self.label);
        match (&mut self.task).await {
            Ok((writer, result)) => Delivery {
                label,
                writer: Some(writer),
                result,
            },
            Err(error) => {
                let result = Err(CopyError::Io(io::Error::other(error)));
                Delivery {
                    label,
                    writer: None,
                    result,
                }
            }
        }
    }
}

async fn pump<W: AsyncWrite + Unpin>(
    mut writer: W,
    mut chunks: mpsc::Receiver<Chunk>,
    stall: Duration,
) -> (W, Result<u64, CopyError>) {
    let mut written = 0;
    while let Some(chunk) = chunks.recv().await {
        match write_chunk(&mut writer, &chunk, stall).await {
            Ok(()) => written += chunk.len() as u64,
            Err(error) => return (writer, Err(error)),
        }
    }
    let flushed = match timeout(stall, writer.flush()).await {
        Err(_) => Err(CopyError::Stalled(stall)),
        Ok(result) => result.map_err(CopyError::from),
    };
    (writer, flushed.map(|()| written))
}

/// The bound is on standing still, not on the chunk: a slow sink that moves is waited for.
async fn write_chunk<W: AsyncWrite + Unpin>(
    writer: &mut W,
    mut bytes: &[u8],
    stall: Duration,
) -> Result<(), CopyError> {
    while !bytes.is_empty() {
        match timeout(stall, writer.write(bytes)).await {
            Err(_) => return Err(CopyError::Stalled(stall)),
            Ok(Ok(0)) => return Err(CopyError::Io(io::ErrorKind::WriteZero.into())),
            Ok(Ok(count)) => bytes = bytes.get(count..).unwrap_or_default(),
            Ok(Err(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The first and the last bytes of a stream.
struct Ends {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    limits: FanOut,
}

impl Ends {
    fn take(&mut self, bytes: &[u8]) {
        let room = self.limits.head.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(room));
        let last = bytes.len().saturating_sub(self.limits.tail);
        self.tail.extend(bytes.iter().skip(last));
        let excess = self.tail.len().saturating_sub(self.limits.tail);
        self.tail.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::io::AsyncWrite;

    use super::{CopyError, Delivery, FanOut, Sink};

    /// Takes bytes until its fate, then fails or never answers again.
    struct Fake {
        taken: Vec<u8>,
        until: usize,
        fate: Fate,
    }

    #[derive(Clone, Copy)]
    enum Fate {
        Fails,
        Freezes,
    }

    impl AsyncWrite for Fake {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let room = self
                .until
                .saturating_sub(self.taken.len())
                .min(bytes.len())
                .min(1000);
            if room == 0 {
                return match self.fate {
                    Fate::Fails => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                    Fate::Freezes => Poll::Pending,
                };
            }
            self.taken.extend_from_slice(&bytes[..room]);
            Poll::Ready(Ok(room))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn sink(label: &str, until: usize, fate: Fate) -> Sink<Fake> {
        Sink {
            label: label.into(),
            writer: Fake {
                taken: Vec::new(),
                until,
                fate,
            },
        }
    }

    fn impatient() -> FanOut {
        let stall = Duration::from_millis(200);
        FanOut {
            source_stall: stall,
            sink_stall: stall,
            ..FanOut::default()
        }
    }

    fn taken(delivery: &Delivery<Fake>) -> &[u8] {
        &delivery.writer.as_ref().unwrap().taken
    }

    fn stream(bytes: usize) -> Vec<u8> {
        (0..bytes)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn sinks_that_fail_or_freeze_do_not_stop_the_others() {
        let data = stream(5_000_000);
        let sinks = vec![
            sink("db2", usize::MAX, Fate::Fails),
            sink("db3", 1_234_567, Fate::Fails),
            sink("db4", 700_001, Fate::Freezes),
            sink("db5", 0, Fate::Fails),
        ];
        let mut seen = Vec::new();
        let copied = impatient()
            .copy(data.as_slice(), sinks, |bytes| seen.push(bytes))
            .await;
        assert!(copied.source.is_ok());
        assert_eq!(copied.bytes, 5_000_000);
        assert_eq!(seen.last(), Some(&5_000_000));
        assert_eq!(*copied.sinks[0].result.as_ref().unwrap(), 5_000_000);
        assert!(taken(&copied.sinks[0]) == data);
        assert!(matches!(copied.sinks[1].result, Err(CopyError::Io(_))));
        assert_eq!(taken(&copied.sinks[1]), &data[..1_234_567]);
        assert!(matches!(copied.sinks[2].result, Err(CopyError::Stalled(_))));
        assert!(matches!(copied.sinks[3].result, Err(CopyError::Io(_))));
    }

    #[tokio::test]
    async fn with_nobody_left_the_source_is_not_read_to_its_end() {
        let data = stream(50_000_000);
        let copied = FanOut::default()
            .copy(data.as_slice(), vec![sink("db2", 0, Fate::Fails)], |_| ())
            .await;
        assert!(matches!(copied.source, Err(CopyError::NobodyListens)));
        assert!(copied.bytes < 50_000_000);
    }

    #[tokio::test]
    async fn a_source_that_falls_silent_is_given_up() {
        let (source, open_end) = tokio::io::simplex(64);
        let sinks = vec![sink("db2", usize::MAX, Fate::Fails)];
        let copied = impatient().copy(source, sinks, |_| ()).await;
        drop(open_end);
        assert!(
            matches!(copied.source, Err(CopyError::Stalled(_))),
            "{:?}",
            copied.source
        );
    }

    proptest! {
        #[test]
        fn the_ends_of_the_stream_are_kept(size in 0_usize..400_000, head in 0_usize..300, tail in 0_usize..300) {
            let data = stream(size);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let copied = runtime.block_on(FanOut { head, tail, ..FanOut::default() }.copy(
                data.as_slice(),
                vec![sink("db2", usize::MAX, Fate::Fails)],
                |_| (),
            ));
            prop_assert_eq!(&copied.head[..], &data[..head.min(size)]);
            prop_assert_eq!(&copied.tail[..], &data[size - tail.min(size)..]);
            prop_assert!(taken(&copied.sinks[0]) == data);
        }
    }
}
