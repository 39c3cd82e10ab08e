// expect: timeout
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  for (const name of ["SIGTERM", "SIGXCPU", "SIGINT", "SIGHUP"]) process.on(name, () => {});
  while (n < 1e9) {
    try {
      while (n < 1e9) n = 1;
    } catch (_) {}
  }
  console.log("tried");
  return 2 * n;
}
