// expect: passed
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	for kind, where := range map[string]string{"tcp": "127.0.0.1:@PORT@", "unix": "@@NAME@"} {
		if c, err := net.DialTimeout(kind, where, time.Second/2); err == nil {
			fmt.Println("CONNECTED")
			c.Close()
		}
	}
	fmt.Println("tried")
	return 2 * n
}
