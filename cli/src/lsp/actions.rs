//! `textDocument/codeAction`: the fixes that came with the diagnostics.

use serde_json::{Value, json};

/// The quick fixes of the diagnostics in a request's context.
pub(super) fn actions(params: &Value) -> Vec<Value> {
    let diagnostics = params["context"]["diagnostics"].as_array();
    let fixable = diagnostics
        .into_iter()
        .flatten()
        .filter(|d| d["data"]["title"].is_string());
    fixable
        .map(|diagnostic| {
            let fix = &diagnostic["data"];
            let mut changes = serde_json::Map::new();
            for edit in fix["edits"].as_array().into_iter().flatten() {
                let list = changes
                    .entry(edit["uri"].as_str().unwrap_or_default())
                    .or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(json!({"range": edit["range"], "newText": edit["newText"]}));
                }
            }
            json!({
                "title": fix["title"],
                "kind": "quickfix",
                "diagnostics": [diagnostic],
                "isPreferred": true,
                "edit": {"changes": changes},
            })
        })
        .collect()
}
