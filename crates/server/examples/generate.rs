//! Prints what is made from the types: the document of the interface, the schema and the example of the configuration.
//! The files in the repository are its output, and the program holds those: it does not carry what makes them.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    let what = std::env::args().nth(1).unwrap_or_default();
    let text = match what.as_str() {
        "openapi" => countersign_server::openapi::document().to_pretty_json().ok(),
        "openapi-admin" => Some(format!("{:#}", countersign_server::openapi::admin_document())),
        "schema" => Some(countersign_server::config::schema_json()),
        "example" => Some(countersign_server::config::example_toml()),
        _ => None,
    };
    match text {
        Some(text) => println!("{text}"),
        None => std::process::exit(2),
    }
}
