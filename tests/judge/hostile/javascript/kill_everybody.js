// expect: passed runtime_error
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  for (const whom of [-1, 1, process.ppid]) {
    for (const number of ["SIGTERM", "SIGINT", "SIGKILL"]) {
      try {
        process.kill(whom, number);
      } catch (_) {}
    }
  }
  console.log("tried");
  return 2 * n;
}
