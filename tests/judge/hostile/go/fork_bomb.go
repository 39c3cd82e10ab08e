// expect: passed runtime_error timeout memory
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	for i := 0; i < 500; i++ {
		if exec.Command("/bin/sh", "-c", "sleep 60 & sleep 60 & sleep 60 & wait").Start() != nil {
			break
		}
	}
	fmt.Println("tried")
	return 2 * n
}
