//! The threads that hash: a fixed number with fixed memory, less urgent than those that answer requests, and a queue
//! with an end. It knows no passwords.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Error, HashParameters, argon::Memory};

/// How much less urgent a hash is than a request; 19 is the most.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// How many hashes at once, and how many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Threads, and so hashes at once: 1 at least. Each holds the memory of one hash for ever.
    pub workers: usize,
    /// Hashes that may wait. Beyond, callers are told to come back.
    pub queue: usize,
    /// Most memory in KiB that one imported hash may need. All memory of the pool is `workers` times the larger of
    /// this and of the parameters' own.
    pub most_memory_kib: u32,
}

impl Default for PoolSettings {
    fn default() -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        Self { workers, queue: workers * 32, most_memory_kib: 64 * 1024 }
    }
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The threads, until it is dropped.
pub struct Pool {
    jobs: SyncSender<Job>,
    most_memory: u32,
}

impl Pool {
    /// Starts the threads and takes their memory.
    pub(super) fn start(settings: PoolSettings, parameters: HashParameters) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel(settings.queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..settings.workers.max(1) {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name(format!("password-{number}")).spawn(move || {
                give_way();
                work(&waiting, Memory::new(parameters));
            })?;
        }
        Ok(Self { jobs, most_memory: settings.most_memory_kib.max(parameters.memory_kib()) })
    }

    /// Most memory of one hash in KiB.
    pub(super) fn most_memory(&self) -> u32 {
        self.most_memory
    }

    /// Does `task` on one of the threads. What nobody waits for any more is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            if !answer.is_closed() {
                let _ = answer.send(task(memory));
            }
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| Error::Busy)?;
        answered.await.map_err(|_| Error::Failed)
    }
}

/// Lets the threads that answer requests go first. On Linux each thread has a niceness of its own.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let me = Some(rustix::thread::gettid());
        let present = rustix::process::getpriority_process(me).unwrap_or_default();
        // A system that does not allow it is a little slower, no more.
        let _ = rustix::process::setpriority_process(me, present + NICENESS);
    }
}

fn work(waiting: &Mutex<Receiver<Job>>, mut memory: Memory) {
    loop {
        // One thread waits in the queue, the others for its turn.
        let job = waiting.lock().recv();
        let Ok(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("hashing a password panicked");
        }
        memory.shrink();
    }
}
