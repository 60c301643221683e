const PART = 65_536;
const CHARACTERS = 32_768;

/** Return the base64 of a text's zlib form, or null in a browser that cannot make it. */
export async function deflated(text: string): Promise<string | null> {
  if (typeof CompressionStream === 'undefined') return null;
  const bytes = new TextEncoder().encode(text);
  const stream = new CompressionStream('deflate');
  const writer = stream.writable.getWriter();
  const whole = new Response(stream.readable).arrayBuffer();
  try {
    for (let at = 0; at < bytes.length; at += PART) {
      if (at) await pause(); // a part takes a millisecond or two of the page's thread
      await writer.write(bytes.subarray(at, at + PART));
    }
    await writer.close();
    return base64(new Uint8Array(await whole));
  } catch {
    whole.catch(() => undefined);
    return null;
  }
}

function base64(bytes: Uint8Array): string {
  let characters = '';
  for (let at = 0; at < bytes.length; at += CHARACTERS) {
    characters += String.fromCharCode(...bytes.subarray(at, at + CHARACTERS));
  }
  return btoa(characters);
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
