// expect: passed
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	for i, target := range []string{"/", "@HOME@", "/proc/1/root"} {
		link := fmt.Sprintf("/tmp/link%d", i)
		os.Symlink(target, link)
		if _, err := os.ReadFile(link + "/secret"); err == nil {
			fmt.Println("READ")
		}
		if os.WriteFile(link+"/@MARK@", []byte("x"), 0666) == nil {
			fmt.Println("WROTE", link)
		}
	}
	fmt.Println("tried")
	return 2 * n
}
