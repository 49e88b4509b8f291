//! In which request something happens, and who asked: known to the task that answers it, so that nobody has to pass it
//! through every decision.

use std::{
    cell::{Cell, RefCell},
    future::Future,
};

use countersign_domain::{event::Actor, id::RequestId};

tokio::task_local! {
    static CURRENT: Context;
}

struct Context {
    request: RequestId,
    actor: RefCell<Option<Actor>>,
    is_apps_server: Cell<bool>,
}

/// Answers a request: what happens meanwhile happens in it. Says also whether an app's own server asked.
pub async fn within<F: Future>(request: RequestId, answer: F) -> (F::Output, bool) {
    let context = Context { request, actor: RefCell::default(), is_apps_server: Cell::new(false) };
    let observed = async {
        let output = answer.await;
        (output, CURRENT.with(|context| context.is_apps_server.get()))
    };
    CURRENT.scope(context, observed).await
}

/// Notes that an app's own server asks: its network address is no person's.
pub fn note_apps_server() {
    let _ = CURRENT.try_with(|context| context.is_apps_server.set(true));
}

/// Notes as whom the request that this task answers was authenticated. Without one it is forgotten.
pub fn note_actor(actor: Actor) {
    let _ = CURRENT.try_with(|context| context.actor.replace(Some(actor)));
}

/// The request that this task answers, if it does.
#[must_use]
pub fn request() -> Option<RequestId> {
    CURRENT.try_with(|context| context.request).ok()
}

/// As whom the request was authenticated. What happens without a request is the server's own doing, and what nobody
/// was authenticated for is a person's.
#[must_use]
pub fn actor() -> Actor {
    let noted = CURRENT.try_with(|context| context.actor.borrow().clone());
    noted.map_or(Actor::Server, |actor| actor.unwrap_or(Actor::Person))
}
