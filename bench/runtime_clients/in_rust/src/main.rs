// client PORT [wait]: one request by reqwest; with `wait`, what it is told as driven.py is.
use std::io::BufRead;

fn client() -> reqwest::blocking::Client {
    reqwest::blocking::Client::builder().danger_accept_invalid_certs(true).build().unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let url = format!("https://localhost:{}/", arguments[1]);
    let mut kept = client();
    let ask = |by: &reqwest::blocking::Client| {
        let answer = by.get(&url).send().unwrap();
        let status = answer.status().as_u16();
        answer.text().unwrap();
        println!("{status}");
    };
    if arguments.len() == 2 {
        return ask(&kept);
    }
    println!("ready");
    for word in std::io::stdin().lock().lines() {
        if word.unwrap() == "new" {
            kept = client();
        }
        ask(&kept);
    }
}
