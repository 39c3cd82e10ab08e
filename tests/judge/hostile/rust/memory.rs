// expect: memory
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    while n < 100000 {
        hoard.push(vec![1u8; 1 << 24]);
    }
    println!("{}", hoard.len());
    println!("tried");
    2 * n
}
