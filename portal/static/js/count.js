// Counts a text message while it is written, as portal/messages/rules.py and portal/wordings/rules.py do.
const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const EXTENDED = new Set("^{}\\[~]|€");

export function count(text) {
  const letters = [...text];
  const plain = letters.every((letter) => BASIC.has(letter) || EXTENDED.has(letter));
  const widths = letters.map((letter) => (plain ? (EXTENDED.has(letter) ? 2 : 1) : letter.length));
  const [single, multiple] = plain ? [160, 153] : [70, 67];
  const length = widths.reduce((sum, width) => sum + width, 0);
  let segments = 1;
  let used = 0;
  if (length > single) {
    for (const width of widths) {
      if (used + width > multiple) [segments, used] = [segments + 1, 0];
      used += width;
    }
  }
  return { length, segments, over: Math.max(0, length - single) };
}

export function write(source, values, join, signature) {
  const lines = source.normalize("NFC").split("\n").map((line) => line.trim()).filter(Boolean);
  const fill = (kept) => signature + kept.join(join).replace(/\{(\w+)\}/g, (mark, name) => values[name] ?? mark);
  const whole = fill(lines.map((line) => line.replace(/^[?？]/, "").trim()));
  return count(whole).segments > 1 ? fill(lines.filter((line) => !/^[?？]/.test(line))) : whole;
}

for (const form of document.querySelectorAll("form[data-signature]")) {
  const { signature, join } = form.dataset;
  const area = form.querySelector("textarea");
  const show = () => {
    for (const name of ["usual", "long"]) {
      const text = write(area.value, JSON.parse(form.dataset[name]), join, signature);
      const counted = count(text);
      for (const cell of form.querySelectorAll(`[data-counted=${name}] [data-out]`)) cell.textContent = counted[cell.dataset.out];
      if (name === "long") continue;
      form.querySelector("[data-text]").textContent = text;
      form.querySelector("[data-over] [data-out]").textContent = counted.over;
      form.querySelector("[data-over]").hidden = !counted.over;
      form.querySelector("[data-fits]").hidden = Boolean(counted.over);
    }
  };
  area.addEventListener("input", show);
  show();
}
