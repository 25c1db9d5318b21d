// The planner's map: outlets, candidates that can be placed and dragged, districts by their shares.

import {
  type GeoJSONSource,
  LngLatBounds,
  Map as LibreMap,
  Marker,
  NavigationControl,
} from "maplibre-gl";
import { type Features, paint, split, style } from "../lib/map";

export interface Spot {
  id: string;
  name: string;
  lat: number;
  lon: number;
  look: "kept" | "new" | "closed" | "candidate";
  movable?: boolean;
}

export interface Dot {
  lat: number;
  lon: number;
  weight: number;
  share: number | null;
}

export interface PlanMap {
  /** `dark` only says that the colours of the page may have changed. */
  show(spots: Spot[], dots: Dot[], dark: boolean): void;
  remove(): void;
}

const WORST = 0.8;

export async function drawPlan(
  container: HTMLElement,
  layers: unknown,
  placed: (lat: number, lon: number) => void,
  moved: (id: string, lat: number, lon: number) => void,
): Promise<PlanMap> {
  const { streets, areas } = split(layers);
  const bounds = (layers as { bounds: [number, number, number, number] }).bounds;
  const map = new LibreMap({
    container,
    style: style(streets, areas),
    bounds,
    fitBoundsOptions: { padding: 24 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxZoom: 17,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.on("click", (event) => placed(event.lngLat.lat, event.lngLat.lng));
  await new Promise<void>((resolve) => map.once("load", () => resolve()));
  paint(map, null);
  map.addSource("demand", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({
    id: "demand",
    type: "circle",
    source: "demand",
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["get", "weight"], 0, 3, 1, 11],
      "circle-opacity": 0.75,
      "circle-color": [
        "interpolate",
        ["linear"],
        ["get", "share"],
        WORST,
        "#b3341d",
        0.92,
        "#d9a520",
        1,
        "#2b7a3d",
      ],
    },
  });
  let markers: Marker[] = [];
  let first = true;
  let wasDark = false;
  return {
    show(spots, dots, dark) {
      if (dark !== wasDark) paint(map, null);
      wasDark = dark;
      const heaviest = Math.max(1e-9, ...dots.map((dot) => dot.weight));
      const features: Features = {
        type: "FeatureCollection",
        features: dots.map((dot) => ({
          type: "Feature",
          geometry: { type: "Point", coordinates: [dot.lon, dot.lat] },
          properties: { weight: dot.weight / heaviest, share: dot.share ?? 1 },
        })),
      };
      map.getSource<GeoJSONSource>("demand")?.setData(features);
      for (const marker of markers) marker.remove();
      markers = spots.map((spot) => {
        const element = document.createElement("div");
        element.className = `outlet plan-${spot.look}`;
        element.title = spot.name;
        const marker = new Marker({ element, draggable: spot.movable === true })
          .setLngLat([spot.lon, spot.lat])
          .addTo(map);
        marker.on("dragend", () => {
          const { lat, lng } = marker.getLngLat();
          moved(spot.id, lat, lng);
        });
        return marker;
      });
      if (first && (dots.length > 0 || spots.length > 0)) {
        first = false;
        const all = new LngLatBounds();
        for (const place of [...spots, ...dots]) all.extend([place.lon, place.lat]);
        map.fitBounds(all, { padding: 48, maxZoom: 13, animate: false });
      }
    },
    remove: () => map.remove(),
  };
}
