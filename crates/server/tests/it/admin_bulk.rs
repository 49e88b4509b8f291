//! `/admin/people`: people are brought in and given out as files, by the page what the interface does, and no more.

use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, items, local, two_realms},
    admin_pages::{Desk, HOST, text},
    support::{Answer, TestServer},
};

const PAGE: &str = "/admin/people";
const GOOD: &str = "{\"emails\": [{\"address\": \"jane@mail.example\", \"verified\": true}], \"groups\": [\"family\"]}\n\
                    {\"emails\": [{\"address\": \"joe@mail.example\"}]}\n";

/// Sends a file as a browser does.
async fn upload(desk: &Desk<'_>, fields: &[(&str, &str)], file: Option<&str>) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    if let Some(file) = file {
        body += "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.jsonl\"\r\n";
        body += &format!("Content-Type: application/octet-stream\r\n\r\n{file}\r\n");
    }
    body += "--xx--\r\n";
    let own = desk.client().with("origin", &format!("https://{HOST}")).with("sec-fetch-site", "same-origin");
    own.with("content-type", "multipart/form-data; boundary=xx").send(Method::POST, PAGE, &body).await
}

async fn people(server: &TestServer) -> usize {
    items(&local(server).get("/v1/admin/users").await.expect(200)).len()
}

const IMPORT: (&str, &str) = ("act", "import_users");

#[tokio::test]
async fn people_are_looked_at_brought_in_and_given_out_as_files() {
    let server = TestServer::with(two_realms).await;
    let mut desk = Desk::full(&server).await;
    let looked = upload(&desk, &[IMPORT, ("dry_run", "true")], Some(GOOD)).await.expect(200);
    assert!(text(&looked).contains("Looked at 2 lines, and took none."), "{}", text(&looked));
    assert_eq!(people(&server).await, 0);
    let bad = format!("{GOOD}{{\"emails\": []}}\nnonsense <b>\n");
    let refused = text(&upload(&desk, &[IMPORT], Some(&bad)).await.expect(200));
    assert!(refused.contains("Nothing was taken: of 4 lines some are wrong."), "{refused}");
    assert!(
        refused.contains("Line 3") && refused.contains("Line 4") && !refused.contains("<b>"),
        "{refused}"
    );
    assert!(!refused.contains("jane@"), "nothing of the file is shown again");
    assert_eq!(people(&server).await, 0);
    let partly =
        upload(&desk, &[IMPORT, ("partial", "true"), ("realm", "staff")], Some(&bad)).await.expect(200);
    assert!(text(&partly).contains("Taken: 2 of 4 lines."), "{}", text(&partly));
    let taken = upload(&desk, &[IMPORT], Some(GOOD)).await.expect(200);
    assert!(text(&taken).contains("Taken: 2 of 2 lines."), "{}", text(&taken));
    // Those of this realm; two more are in the other one.
    assert_eq!(people(&server).await, 2);
    assert_eq!(items(&local(&server).get("/v1/admin/users?realm=staff").await.expect(200)).len(), 2);
    // More than one part of the list.
    let many: String = (0..450)
        .map(|n| json!({"emails": [{"address": format!("p{n}@mail.example")}]}).to_string() + "\n")
        .collect();
    upload(&desk, &[IMPORT], Some(&many)).await.expect(200);
    let file = desk.send(PAGE, "act=export_users&realm=default").await.expect(200);
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"countersign-people.jsonl\"");
    let lines: Vec<Value> = text(&file).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 452);
    assert!(lines.iter().any(|line| line["emails"][0]["address"] == "jane@mail.example"), "{lines:?}");
    let told = items(&local(&server).get("/v1/admin/events?kind=users.exported").await.expect(200));
    assert!(
        told.len() == 3
            && told.iter().all(|event| event["actor"].as_str().unwrap().starts_with("admin_key:"))
    );
}

#[tokio::test]
async fn p38_files_are_taken_from_our_page_and_by_whoever_may_alone() {
    let server = TestServer::with(two_realms).await;
    let desk = Desk::full(&server).await;
    let before = people(&server).await;
    let form = "--xx\r\nContent-Disposition: form-data; name=\"act\"\r\n\r\nimport_users\r\n--xx--";
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let foreign =
            desk.client().with(name, value).with("content-type", "multipart/form-data; boundary=xx");
        foreign.send(Method::POST, PAGE, form).await.expect(403);
    }
    for (fields, file) in [(vec![IMPORT], None), (vec![("act", "nothing")], Some(GOOD)), (vec![], Some(GOOD))]
    {
        upload(&desk, &fields, file).await.expect(422);
    }
    let long = "x".repeat(3 * 1024 * 1024);
    upload(&desk, &[IMPORT], Some(&long)).await.expect(413);
    upload(&desk, &[IMPORT, ("realm", "nowhere")], Some(GOOD)).await.expect(422);
    let (read, _) = admin_key(&server, None, &["read"]).await;
    let mut reader = Desk::with(&server, &read).await;
    upload(&reader, &[IMPORT], Some(GOOD)).await.expect(403);
    reader.send(PAGE, "act=export_users").await.expect(403);
    let (staff, _) = admin_key(&server, Some("staff"), &["all"]).await;
    let mut other = Desk::with(&server, &staff).await;
    upload(&other, &[IMPORT, ("realm", "default")], Some(GOOD)).await.expect(404);
    other.send(PAGE, "act=export_users&realm=default").await.expect(404);
    assert_eq!(people(&server).await, before);
}
