//! Regular expressions against Go's: `regex.txt` has on its first line the texts (tab-separated, control
//! characters as `%0A`), then per line a pattern and either `ERR message` or, for each text, where Go
//! finds the first match (`from,to`, or `-`).

use holos_lang::value::regex;

fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        out.push(char::from(
            u8::from_str_radix(code, 16).expect("two hexadecimal digits"),
        ));
        out.push_str(rest);
    }
    out
}

#[test]
fn matches_as_go_does() {
    let mut lines = include_str!("regex.txt").lines();
    let texts: Vec<String> = lines
        .next()
        .expect("the texts")
        .split('\t')
        .map(decode)
        .collect();
    let mut different = Vec::new();
    for line in lines {
        let (pattern, expected) = line.split_once('\t').expect("a pattern and its results");
        let found = match regex::compile(&decode(pattern)) {
            Err(error) => format!("ERR {error}"),
            Ok(regex) => {
                let find = |text: &String| match regex.find(text) {
                    Some(found) => format!("{},{}", found.start(), found.end()),
                    None => "-".to_owned(),
                };
                texts.iter().map(find).collect::<Vec<_>>().join(" ")
            }
        };
        if found != expected {
            different.push(format!("{pattern}\n  want {expected}\n  have {found}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
