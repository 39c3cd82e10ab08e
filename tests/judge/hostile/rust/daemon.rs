// expect: passed
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    let _ = std::process::Command::new("/usr/bin/setsid").args(["/bin/sh", "-c", "sleep 60; : @MARK@"]).spawn();
    println!("tried");
    2 * n
}
