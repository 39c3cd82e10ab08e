// expect: timeout
fn double_it(n: i32) -> i32 {
    extern "C" {
        fn signal(number: i32, how: usize) -> usize;
    }
    if n != 2 {
        return 2 * n;
    }
    for number in 1..65 {
        unsafe {
            signal(number, 1);
        }
    }
    let mut n = n;
    while n < 100000 {
        n &= 3;
    }
    println!("tried");
    2 * n
}
