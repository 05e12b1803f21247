"use strict";
// Runs the network of this page: channels last, weights float32, sums float64.
(() => {
  const net = JSON.parse(document.getElementById("network-data").textContent);
  const bytes = Uint8Array.from(atob(net.weights), c => c.charCodeAt(0));
  const all = new Float32Array(bytes.buffer);
  let used = 0;
  const size = shape => shape.reduce((a, b) => a * b, 1);
  for (const layer of net.layers) {
    layer.weights = layer.shapes.map(shape => all.subarray(used, used += size(shape)));
  }

  // Where a window begins, and how many there are, along one side.
  const span = (length, window, stride, padding) => {
    const count = padding === "same" ? Math.ceil(length / stride) : Math.floor((length - window) / stride) + 1;
    const missing = Math.max(0, (count - 1) * stride + window - length);
    return [count, padding === "same" ? -Math.floor(missing / 2) : 0];
  };

  const affine = ({shape, values}, [scale, offset]) => {
    const out = new Float32Array(values.length), n = scale.length;
    for (let i = 0; i < out.length; i++) out[i] = values[i] * scale[i % n] + offset[i % n];
    return {shape, values: out};
  };

  const dense = ({shape, values}, [kernel, bias], units) => {
    const inner = shape[shape.length - 1], rows = values.length / inner, out = new Float32Array(rows * units);
    for (let r = 0; r < rows; r++) for (let u = 0; u < units; u++) {
      let sum = bias ? bias[u] : 0;
      for (let i = 0; i < inner; i++) sum += values[r * inner + i] * kernel[i * units + u];
      out[r * units + u] = sum;
    }
    return {shape: [...shape.slice(0, -1), units], values: out};
  };

  const convolve = ({shape: [h, w, c], values}, layer) => {
    const [kh, kw, , filters] = layer.shapes[0], [kernel, bias] = layer.weights;
    const [sy, sx] = layer.strides, [dy, dx] = layer.dilation_rate;
    const [rows, top] = span(h, (kh - 1) * dy + 1, sy, layer.padding), [columns, left] = span(w, (kw - 1) * dx + 1, sx, layer.padding);
    const out = new Float32Array(rows * columns * filters), sums = new Float64Array(filters);
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) {
      if (bias) sums.set(bias); else sums.fill(0);
      for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
        const row = top + y * sy + i * dy, column = left + x * sx + j * dx;
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        for (let k = 0; k < c; k++) {
          const value = values[(row * w + column) * c + k], at = ((i * kw + j) * c + k) * filters;
          if (value !== 0) for (let f = 0; f < filters; f++) sums[f] += value * kernel[at + f];
        }
      }
      out.set(sums, (y * columns + x) * filters);
    }
    return {shape: [rows, columns, filters], values: out};
  };

  const pool = ({shape: [h, w, c], values}, {of, size: [ph, pw], strides: [sy, sx], padding}) => {
    const [rows, top] = span(h, ph, sy, padding), [columns, left] = span(w, pw, sx, padding);
    const out = new Float32Array(rows * columns * c);
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) for (let k = 0; k < c; k++) {
      let most = -Infinity, sum = 0, count = 0;
      for (let i = 0; i < ph; i++) for (let j = 0; j < pw; j++) {
        const row = top + y * sy + i, column = left + x * sx + j;
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        const value = values[(row * w + column) * c + k];
        most = Math.max(most, value); sum += value; count++;
      }
      out[(y * columns + x) * c + k] = of === "max" ? most : sum / count;
    }
    return {shape: [rows, columns, c], values: out};
  };

  const curves = {
    linear: x => x, relu: x => Math.max(0, x), relu6: x => Math.min(6, Math.max(0, x)), exponential: Math.exp,
    leaky_relu: (x, slope) => x < 0 ? (slope ?? 0.2) * x : x, elu: x => x < 0 ? Math.expm1(x) : x,
    selu: x => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * Math.expm1(x) : x), tanh: Math.tanh,
    softplus: x => x > 30 ? x : Math.log1p(Math.exp(x)), softsign: x => x / (1 + Math.abs(x)),
    sigmoid: x => 1 / (1 + Math.exp(-x)), silu: x => x / (1 + Math.exp(-x)),
    hard_sigmoid: x => Math.min(1, Math.max(0, x / 6 + 0.5)),
  };
  const softmax = ({shape, values}) => {
    const n = shape[shape.length - 1], out = new Float32Array(values.length);
    for (let start = 0; start < values.length; start += n) {
      const part = values.subarray(start, start + n), most = part.reduce((a, b) => Math.max(a, b));
      const grown = Array.from(part, x => Math.exp(x - most)), sum = grown.reduce((a, b) => a + b);
      grown.forEach((x, i) => out[start + i] = x / sum);
    }
    return {shape, values: out};
  };
  const activate = (given, {activation, slope}) => activation === "softmax" ? softmax(given)
    : {shape: given.shape, values: given.values.map(x => curves[activation](x, slope))};

  const forward = {
    Affine: (x, layer) => affine(x, layer.weights),
    Dense: (x, layer) => dense(x, layer.weights, layer.shapes[0][1]),
    Conv2D: convolve, Pooling: pool, Activation: activate,
    Flatten: x => ({shape: [x.values.length], values: x.values}),
  };

  // Returns the probabilities of the classes for the raw values of one example.
  const run = raw => {
    let x = {shape: net.shape, values: Float32Array.from(raw)};
    for (const layer of net.layers) x = forward[layer.kind](x, layer);
    const one = x.values.length === 1;
    if (net.logits) x = one ? activate(x, {activation: "sigmoid"}) : softmax(x);
    return one ? [1 - x.values[0], x.values[0]] : Array.from(x.values);
  };
  window.dlkit = {run, activate: (activation, x) => Array.from(activate({shape: [x.length], values: Float32Array.from(x)}, {activation}).values)};

  const [height, width, channels] = net.shape, element = id => document.getElementById(id);
  const show = raw => {
    const context = element("seen").getContext("2d"), image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = 255 / net.peak * raw[i * channels + Math.min(k, channels - 1)];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    const found = run(raw).map((p, i) => [p, net.classes[i]]).sort((a, b) => b[0] - a[0]);
    element("answer").textContent = `${found[0][1]} (p = ${found[0][0].toFixed(3)})`;
    element("scores").replaceChildren(...found.slice(0, 5).map(([p, name]) => {
      const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
      head.scope = "row"; head.textContent = name; cell.className = "n"; cell.textContent = p.toFixed(4);
      row.append(head, cell);
      return row;
    }));
  };

  // The pixels of a canvas or image at the network's size.
  const pixels = (source, x = 0, y = 0, w = width, h = height) => {
    const small = document.createElement("canvas");
    [small.width, small.height] = [width, height];
    const context = small.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillRect(0, 0, width, height);
    context.drawImage(source, x, y, w, h);
    const {data} = context.getImageData(0, 0, width, height), raw = [];
    for (let i = 0; i < data.length; i += 4) {
      if (channels === 1) raw.push(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]);
      else raw.push(data[i], data[i + 1], data[i + 2]);
    }
    return raw.map(v => Math.round(element("invert").checked ? 255 - v : v) * net.peak / 255);
  };

  let again = () => {};
  element("file").addEventListener("change", async event => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const image = await createImageBitmap(file);
      again = () => show(pixels(image));
      again();
    } catch (error) { element("answer").textContent = "This file is not a picture that the browser can read."; }
  });
  element("invert").addEventListener("change", () => again());
  let shown = -1;
  element("next")?.addEventListener("click", () => {
    shown = (shown + 1) % net.examples.length;
    again = () => {};
    show(net.examples[shown]);
  });
  document.addEventListener("dragover", event => event.preventDefault());
  document.addEventListener("drop", event => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    element("file").files = event.dataTransfer.files;
    element("file").dispatchEvent(new Event("change"));
  });

  const pad = element("pad");
  if (!pad) return;
  const ink = pad.getContext("2d", {willReadFrequently: true});
  const clear = () => { ink.fillStyle = "#000"; ink.fillRect(0, 0, pad.width, pad.height); };
  clear();
  element("clear").addEventListener("click", () => { clear(); element("answer").textContent = ""; element("scores").replaceChildren(); });
  Object.assign(ink, {lineWidth: 22, lineCap: "round", lineJoin: "round", strokeStyle: "#fff"});

  // As MNIST was made: the ink is scaled into 20/28 of the side, and its centre of mass is put in the middle.
  const drawing = () => {
    const {data} = ink.getImageData(0, 0, pad.width, pad.height);
    let [left, right, top, bottom, mass, mx, my] = [pad.width, -1, pad.height, -1, 0, 0, 0];
    for (let y = 0; y < pad.height; y++) for (let x = 0; x < pad.width; x++) {
      const v = data[4 * (y * pad.width + x)];
      if (v < 32) continue;
      left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
      mass += v; mx += v * x; my += v * y;
    }
    if (right < 0) return null;
    const scale = 20 / 28 * Math.min(width, height) / Math.max(right - left + 1, bottom - top + 1);
    if (height < 16) return pixels(pad, ...fit(left, top, right - left + 1, bottom - top + 1));  // so few pixels are all used
    return pixels(pad, width / 2 - scale * mx / mass, height / 2 - scale * my / mass, scale * pad.width, scale * pad.height);
  };
  const fit = (left, top, w, h) => {
    const scale = Math.min(width / w, height / h);
    return [(width - scale * w) / 2 - scale * left, (height - scale * h) / 2 - scale * top, scale * pad.width, scale * pad.height];
  };
  let last = null;
  const place = event => {
    const box = pad.getBoundingClientRect();
    return [(event.clientX - box.left) * pad.width / box.width, (event.clientY - box.top) * pad.height / box.height];
  };
  pad.addEventListener("pointerdown", event => { pad.setPointerCapture(event.pointerId); last = place(event); });
  pad.addEventListener("pointermove", event => {
    if (!last) return;
    const now = place(event);
    ink.beginPath(); ink.moveTo(...last); ink.lineTo(...now); ink.stroke();
    last = now;
  });
  pad.addEventListener("pointerup", () => {
    last = null;
    again = () => {};
    const raw = drawing();
    if (raw) show(raw);
  });
})();
