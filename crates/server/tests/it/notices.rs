//! What people are told without having asked: a message like any other, once its commit is through.

use countersign_domain::{changes::Changes, id::UserId};
use countersign_server::outbox::{Notice, notice::Touched};

use crate::{accounts::server, flow::sign_in};

const ANN: &str = "ann@mail.example";

#[tokio::test]
async fn a_notice_is_sent_once_it_is_committed_and_without_a_code() {
    let test = server().await;
    sign_in(&test, "club", ANN).await;
    let server = &test.server;
    let app = server.app("club").unwrap();
    let user =
        server.store.users_after(&app.realm, UserId::from_bytes([0; 16]), 1).await.unwrap().swap_remove(0);
    let mut changes = Changes::default();
    let notice = Notice::AdministratorChanged { what: Touched::Access };
    server.tell_user(&app, &user, &notice, &mut changes).await.unwrap();
    assert_eq!(changes.0.len(), 1, "one mailbox");
    test.no_mail_to(ANN).await;
    server.commit(changes).await.unwrap();
    let letter = test.mail_to(ANN).await;
    assert_eq!(letter.find_code(), None);
    assert_eq!(letter.mail.rendered.subject, "An administrator changed your account at club");
    assert!(letter.mail.rendered.text.contains("changed whether you may sign in"));
    test.outbox_is_empty().await;
    assert_eq!(server.speaker(&app.realm).unwrap().name, app.name);
}
