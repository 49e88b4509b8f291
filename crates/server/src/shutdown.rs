//! The order to stop: given once, heard by every loop of the server. It does not know who gives it or why.

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Fuse},
};
use tokio::sync::watch;

/// Gives the order to stop. Dropping it gives the order too, so that nothing waits for a word that cannot come.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Hears the order to stop.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// A new order to stop, not given yet.
#[must_use]
pub fn channel() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Gives the order.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits for the order; returns at once when it was given already. May be dropped and asked again.
    pub async fn requested(&mut self) {
        // An error says that the trigger is gone, which is the order as well.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// The same for a task that asks with every request: it is noted as one that waits once and not each time.
    #[must_use]
    pub fn order(&self) -> Order {
        let mut shutdown = self.clone();
        let given = async move { shutdown.requested().await }.boxed().fuse();
        Order { given, shutdown: self.clone() }
    }
}

/// The order to stop, as one task waits for it.
pub struct Order {
    given: Fuse<BoxFuture<'static, ()>>,
    shutdown: Shutdown,
}

impl Order {
    /// Whether it was given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        // As above: without a trigger it is given.
        *self.shutdown.0.borrow() || self.shutdown.0.has_changed().is_err()
    }

    /// Waits for it; returns at once when it was given already. May be dropped and asked again.
    pub async fn given(&mut self) {
        if !self.is_given() {
            (&mut self.given).await;
        }
    }
}
