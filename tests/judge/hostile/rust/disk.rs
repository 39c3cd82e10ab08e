// expect: passed
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    let mut wrote = 0;
    for i in 0..2000 {
        if std::fs::write(format!("/tmp/{}", i), vec![0u8; 1 << 20]).is_err() {
            break;
        }
        wrote += 1;
    }
    println!("{}", if wrote > 100 { "WROTE" } else { "not much" });
    println!("tried");
    2 * n
}
