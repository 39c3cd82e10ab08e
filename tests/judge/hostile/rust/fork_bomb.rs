// expect: passed runtime_error timeout memory
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    for _ in 0..500 {
        if std::process::Command::new("/bin/sh").args(["-c", "sleep 60 & sleep 60 & sleep 60 & wait"]).spawn().is_err() {
            break;
        }
    }
    println!("tried");
    2 * n
}
