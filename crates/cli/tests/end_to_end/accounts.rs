//! Accounts with the real program: sessions, and their ends, outlive `kill -9`.

use crate::support::{server::Setup, sink::Sink};

#[test]
fn p29_p34_sessions_and_their_ends_survive_kill_9() {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.app = "accounts = 'realm'".to_owned();
    let mut server = setup.start();
    let client = server.client();
    let ended = client.sign_in("ended@example.net", &sink);
    let kept = client.sign_in("kept@example.net", &sink);
    assert_eq!(client.revoke(&ended.text("refresh_token")).unwrap().status, 200);
    let next = client.refresh(&kept.text("refresh_token")).unwrap();
    assert_eq!(next.status, 200, "{next:?}");
    for round in 0..2 {
        server.kill();
        server.start_again();
        assert_eq!(client.token_status(&ended.text("access_token")), 401, "round {round}");
        assert_eq!(client.refresh(&ended.text("refresh_token")).unwrap().status, 400);
        assert_eq!(client.token_status(&next.text("access_token")), 200);
    }
    let after = client.refresh(&next.text("refresh_token")).unwrap();
    assert_eq!(after.status, 200, "{after:?}");
    assert_eq!(after.text("session"), kept.text("session"));
    assert_eq!(client.refresh(&kept.text("refresh_token")).unwrap().status, 400, "long spent: a copy");
    assert_eq!(client.refresh(&after.text("refresh_token")).unwrap().status, 400, "so all is over");
}
