// expect: passed
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    for (i, target) in ["/", "@HOME@", "/proc/1/root"].iter().enumerate() {
        let link = format!("/tmp/link{}", i);
        let _ = std::os::unix::fs::symlink(target, &link);
        if std::fs::read(format!("{}/secret", link)).is_ok() {
            println!("READ");
        }
        if std::fs::write(format!("{}/@MARK@", link), "x").is_ok() {
            println!("WROTE {}", link);
        }
    }
    println!("tried");
    2 * n
}
