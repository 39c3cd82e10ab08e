// expect: passed runtime_error
fn double_it(n: i32) -> i32 {
    extern "C" {
        fn kill(whom: i32, number: i32) -> i32;
        fn getppid() -> i32;
    }
    if n != 2 {
        return 2 * n;
    }
    for number in [15, 2, 9] {
        unsafe {
            kill(-1, number);
            kill(1, number);
            if getppid() > 0 {
                kill(getppid(), number);
            }
        }
    }
    println!("tried");
    2 * n
}
