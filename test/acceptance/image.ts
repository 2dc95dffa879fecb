/** What the bytes of an image say of it. */
export interface ImageInfo {
  readonly format: 'png' | 'jpeg' | 'webp';
  readonly width: number;
  readonly height: number;
}

/** Marker codes of JPEG frame headers, which hold the size (ITU-T T.81, table B.1). */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function readJpeg(bytes: Buffer): ImageInfo {
  for (let offset = 2; offset < bytes.length;) {
    const marker = bytes.readUInt8(offset + 1);
    if (isFrameHeader(marker)) {
      return { format: 'jpeg', height: bytes.readUInt16BE(offset + 5), width: bytes.readUInt16BE(offset + 7) };
    }
    offset += 2 + bytes.readUInt16BE(offset + 2);
  }
  throw new Error('A JPEG without a frame header');
}

/** See the WebP container specification, "Extended file format" and "Simple file format". */
function readWebp(bytes: Buffer): ImageInfo {
  const format = 'webp' as const;
  const chunk = bytes.toString('latin1', 12, 16);
  if (chunk === 'VP8X') return { format, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (chunk === 'VP8L') {
    const bits = bytes.readUInt32LE(21);
    return { format, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
  }
  return { format, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
}

/** Reads format and size of an image from its own bytes. @throws when it is none of the three formats */
export function readImage(bytes: Buffer): ImageInfo {
  if (bytes.toString('latin1', 1, 8) === 'PNG\r\n\x1a\n' && bytes.toString('latin1', 12, 16) === 'IHDR') {
    return { format: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  }
  if (bytes.readUInt16BE(0) === 0xffd8) return readJpeg(bytes);
  if (bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP') return readWebp(bytes);
  throw new Error(`No image: ${bytes.toString('latin1', 0, 16)}`);
}
