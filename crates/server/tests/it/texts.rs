//! An operator's own sentences and languages, in mails and on the pages of links.

use std::fs;

use serde_json::json;

use crate::support::TestServer;

const ANN: &str = "ann@mail.example";

async fn server_with(files: &[(&str, &str)]) -> (tempfile::TempDir, TestServer) {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    let templates = folder.path().to_owned();
    let server = TestServer::with(|config| config.mail.templates = Some(templates)).await;
    (folder, server)
}

#[tokio::test]
async fn an_added_language_is_spoken_in_mails_and_on_pages_of_its_app_alone() {
    let (_folder, server) = server_with(&[(
        "forum/it/texts.ftl",
        "sign_in =\n    .heading = Accedi\nlink =\n    .question = <i>Accedere?</i>\n    .done = Fatto",
    )])
    .await;
    let body = json!({"to": {"email": ANN}, "locale": "it-CH, de;q=0.5"});
    let started = server.app("forum").post("/v1/challenges", &body).await.expect(201);
    let letter = server.mail_to(ANN).await;
    assert!(letter.wire().contains("Content-Language: it\r\n") && letter.wire().contains("Accedi"));
    let browser = server.anybody().with("accept-language", "it");
    let page = String::from_utf8(browser.get(&letter.link()).await.expect(200).body).unwrap();
    assert!(page.contains("<html lang=\"it\" dir=\"ltr\">"), "{page}");
    assert!(page.contains("<h1>&lt;i&gt;Accedere?&lt;&#x2f;i&gt;</h1>") && !page.contains("<i>"), "{page}");
    assert!(page.contains("Yes, it was me"), "what is missing is said in English: {page}");
    let number = format!("number={}", started.text("confirmation_number"));
    let page = String::from_utf8(browser.form(&letter.link(), &number).await.expect(200).body).unwrap();
    assert!(page.contains("<h1>Fatto</h1>"), "{page}");
    server
        .app("wiki")
        .post("/v1/challenges", &json!({"to": {"email": "bob@mail.example"}, "locale": "it"}))
        .await
        .expect(201);
    assert!(server.mail_to("bob@mail.example").await.wire().contains("Content-Language: en\r\n"));
}
