//! The order to stop: given once, heard by every loop of the server. It does not know who gives it or why.

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
}
