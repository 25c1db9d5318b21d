// Where the phone is, and photos made ready to send.

export type PlaceTrouble = "denied" | "unavailable" | "missing";

export interface Fix {
  place: { lat: number; lon: number };
  accuracy_m: number;
}

const WAIT_MS = 20_000;
/** A fix of the last half minute is as good as a new one at a door. */
const FRESH_MS = 30_000;

export function whereAmI(): Promise<Fix> {
  return new Promise((resolve, reject: (why: PlaceTrouble) => void) => {
    if (!("geolocation" in navigator) || !window.isSecureContext) return reject("missing");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        resolve({
          place: { lat: coords.latitude, lon: coords.longitude },
          accuracy_m: Math.min(100_000, Math.ceil(coords.accuracy)),
        }),
      (error) => reject(error.code === error.PERMISSION_DENIED ? "denied" : "unavailable"),
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: FRESH_MS },
    );
  });
}

/** Above this a photo is made smaller: a slow network carries ten for one. */
const LARGE_BYTES = 1_500_000;
const EDGE_PX = 2048;

/** A photo as it is sent: JPEG or PNG, and not needlessly large. */
export async function madeReady(file: File): Promise<{ bytes: ArrayBuffer; type: string }> {
  const known = file.type === "image/jpeg" || file.type === "image/png";
  if (known && file.size <= LARGE_BYTES) return { bytes: await file.arrayBuffer(), type: file.type };
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, EDGE_PX / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    const blob = await new Promise<Blob | null>((done) =>
      canvas.toBlob(done, "image/jpeg", 0.85),
    );
    if (blob !== null) return { bytes: await blob.arrayBuffer(), type: "image/jpeg" };
  } catch {
    // This browser cannot draw it: it goes as it is, and the server says what it thinks of it.
  }
  return { bytes: await file.arrayBuffer(), type: file.type || "image/jpeg" };
}

/** Where a tap on "navigate" leads: Android asks which app, iPhones open Maps. */
export function wayTo(place: { lat: number; lon: number }, label: string): string {
  const point = `${place.lat},${place.lon}`;
  if (/iPhone|iPad|Macintosh/.test(navigator.userAgent))
    return `https://maps.apple.com/?daddr=${point}`;
  return `geo:${point}?q=${point}(${encodeURIComponent(label)})`;
}
