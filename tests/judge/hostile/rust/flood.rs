// expect: output_limit
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    while n < 100000 {
        println!("{}", "x".repeat(4000));
    }
    println!("tried");
    2 * n
}
