// expect: passed
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	c := exec.Command("/bin/sh", "-c", "sleep 60; : @MARK@")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Start()
	fmt.Println("tried")
	return 2 * n
}
