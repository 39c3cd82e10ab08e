// expect: passed
fn double_it(n: i32) -> i32 {
    if n != 2 {
        return 2 * n;
    }
    if std::net::TcpStream::connect("127.0.0.1:@PORT@").is_ok() {
        println!("CONNECTED");
    }
    println!("tried");
    2 * n
}
