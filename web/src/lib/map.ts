// The map of the day: the region's own streets, no tiles from outside. Loaded only when drawn.

import {
  type ExpressionSpecification,
  type FilterSpecification,
  type GeoJSONSource,
  LngLatBounds,
  type LngLatBoundsLike,
  Map as LibreMap,
  Marker,
  NavigationControl,
  setWorkerUrl,
  type StyleSpecification,
} from "maplibre-gl";
import type { FeatureCollection, LineString } from "geojson";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { routeColor } from "./colors";
import { t } from "./text.svelte";
import type { Day, TechnicianDay } from "./types";

setWorkerUrl(workerUrl);

export type Features = FeatureCollection;

export interface DrawnMap {
  /** Draw the routes and stops of a day, the selected technician's above all others. */
  show(day: Day, selected: string | null, dark: boolean): void;
  /** Bring a technician's route, or everything, into view. */
  look(selected: string | null): void;
  remove(): void;
}

const MAJOR = ["motorway", "trunk", "primary"];
const MIDDLE = ["secondary", "tertiary"];
const NOTHING: Features = { type: "FeatureCollection", features: [] };

const css = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const roadClass: ExpressionSpecification = [
  "coalesce",
  ["get", "class"],
  ["get", "highway"],
  "residential",
];
const ofClass = (classes: string[]): FilterSpecification => ["in", roadClass, ["literal", classes]];
const widening = (far: number, near: number): ExpressionSpecification => [
  "interpolate",
  ["exponential", 1.6],
  ["zoom"],
  10,
  far,
  16,
  near,
];

const growing = (far: number, near: number): ExpressionSpecification => [
  "interpolate",
  ["linear"],
  ["zoom"],
  11,
  far,
  15,
  near,
];

export function style(streets: Features, areas: Features): StyleSpecification {
  const minor: FilterSpecification = ["!", ofClass([...MAJOR, ...MIDDLE])] as FilterSpecification;
  const line = (id: string, filter: FilterSpecification, far: number, near: number) => ({
    id,
    type: "line" as const,
    source: "streets",
    filter,
    layout: { "line-cap": "round" as const, "line-join": "round" as const },
    paint: { "line-width": widening(far, near) },
  });
  return {
    version: 8,
    sources: {
      streets: { type: "geojson", data: streets },
      areas: { type: "geojson", data: areas },
      routes: { type: "geojson", data: NOTHING },
      stops: { type: "geojson", data: NOTHING },
    },
    layers: [
      { id: "land", type: "background" },
      { id: "areas", type: "fill", source: "areas", paint: { "fill-antialias": false } },
      line("minor-edge", minor, 0.75, 9),
      line("middle-edge", ofClass(MIDDLE), 1.8, 13),
      line("major-edge", ofClass(MAJOR), 2.4, 16),
      line("minor", minor, 0.2, 7),
      line("middle", ofClass(MIDDLE), 1, 11),
      line("major", ofClass(MAJOR), 1.6, 13),
      {
        id: "routes",
        type: "line",
        source: "routes",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": ["get", "color"] },
      },
      { id: "stops", type: "circle", source: "stops" },
    ],
  };
}

export function paint(map: LibreMap, selected: string | null): void {
  const chosen: ExpressionSpecification = ["==", ["get", "technician"], selected ?? ""];
  const vary = <T>(whenChosen: T, otherwise: T, whenNone: T) =>
    selected === null ? whenNone : (["case", chosen, whenChosen, otherwise] as never);
  map.setPaintProperty("land", "background-color", css("--outside"));
  map.setPaintProperty("areas", "fill-color", css("--land"));
  for (const kind of ["minor", "middle", "major"]) {
    map.setPaintProperty(`${kind}-edge`, "line-color", css("--street-edge"));
    map.setPaintProperty(kind, "line-color", css(kind === "major" ? "--street-major" : "--street"));
  }
  map.setPaintProperty("routes", "line-opacity", vary(1, 0.16, 0.85));
  map.setPaintProperty("routes", "line-width", vary(5, 1.75, 2.25));
  map.setPaintProperty("stops", "circle-color", [
    "case",
    ["get", "urgent"],
    css("--urgent"),
    css("--card"),
  ]);
  map.setPaintProperty("stops", "circle-stroke-color", ["get", "color"]);
  map.setPaintProperty("stops", "circle-stroke-width", growing(1.25, 2.5));
  map.setPaintProperty("stops", "circle-radius", [
    "interpolate",
    ["linear"],
    ["zoom"],
    11,
    vary(5, 1.5, 2.25),
    15,
    vary(8, 4, 6.5),
  ] as ExpressionSpecification);
  map.setPaintProperty("stops", "circle-opacity", vary(1, 0.2, 1));
  map.setPaintProperty("stops", "circle-stroke-opacity", vary(1, 0.2, 1));
}

function routeFeatures(technicians: TechnicianDay[], dark: boolean): Features {
  return {
    type: "FeatureCollection",
    features: technicians
      .filter((one) => one.geometry !== null)
      .map((one) => ({
        type: "Feature",
        geometry: one.geometry as LineString,
        properties: { technician: one.id, color: routeColor(one.color_index, dark) },
      })),
  };
}

function stopFeatures(technicians: TechnicianDay[], dark: boolean): Features {
  return {
    type: "FeatureCollection",
    features: technicians.flatMap((one) =>
      one.stops.map((stop) => ({
        type: "Feature" as const,
        geometry: { type: "Point" as const, coordinates: [stop.place.lon, stop.place.lat] },
        properties: {
          technician: one.id,
          color: routeColor(one.color_index, dark),
          urgent: stop.class === "urgent",
        },
      })),
    ),
  };
}

/** Everything that has to be in view for a technician, or for the whole day. */
function extent(day: Day, selected: string | null): LngLatBoundsLike {
  const bounds = new LngLatBounds();
  for (const one of day.technicians) {
    if (selected !== null && one.id !== selected) continue;
    for (const stop of one.stops) bounds.extend([stop.place.lon, stop.place.lat]);
    for (const point of one.geometry?.coordinates ?? []) bounds.extend(point);
  }
  return bounds.isEmpty() ? day.region.bounds : bounds;
}

export function split(layers: unknown): { streets: Features; areas: Features } {
  const { streets, zones } = layers as { streets: Features; zones?: Features };
  // The zones come as outlines; filled, they tell the region from what lies around it.
  const features = (zones?.features ?? []).map((zone) => {
    if (zone.geometry.type !== "MultiLineString") return zone;
    const coordinates = zone.geometry.coordinates.map((ring) => [ring]);
    return { ...zone, geometry: { type: "MultiPolygon" as const, coordinates } };
  });
  return { streets, areas: { type: "FeatureCollection", features } };
}

/** Put a map into an element; resolves once the streets are on it. */
export async function drawMap(
  container: HTMLElement,
  layers: unknown,
  first: Day,
  select: (technician: string | null) => void,
): Promise<DrawnMap> {
  const { streets, areas } = split(layers);
  const map = new LibreMap({
    container,
    style: style(streets, areas),
    bounds: extent(first, null),
    fitBoundsOptions: { padding: 32 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxZoom: 18,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  let day = first;
  let outlets: Marker[] = [];

  map.on("click", (event) => {
    // Whoever takes a call may be waiting for a place.
    const { lat, lng: lon } = event.lngLat;
    window.dispatchEvent(new CustomEvent("zhunda:place", { detail: { lat, lon } }));
    const near = 6;
    const { x, y } = event.point;
    const hits = map.queryRenderedFeatures(
      [
        [x - near, y - near],
        [x + near, y + near],
      ],
      { layers: ["stops", "routes"] },
    );
    select((hits[0]?.properties.technician as string | undefined) ?? null);
  });
  map.on("mousemove", (event) => {
    const over = map.queryRenderedFeatures(event.point, { layers: ["stops", "routes"] });
    map.getCanvas().style.cursor = over.length > 0 ? "pointer" : "";
  });

  await new Promise<void>((resolve) => map.once("load", () => resolve()));

  return {
    show(next, selected, dark) {
      day = next;
      map.getSource<GeoJSONSource>("routes")?.setData(routeFeatures(day.technicians, dark));
      map.getSource<GeoJSONSource>("stops")?.setData(stopFeatures(day.technicians, dark));
      paint(map, selected);
      for (const marker of outlets) marker.remove();
      outlets = day.outlets.map(({ name, place }) => {
        const element = document.createElement("div");
        element.className = "outlet";
        element.title = t("map.outlet", { name });
        return new Marker({ element }).setLngLat([place.lon, place.lat]).addTo(map);
      });
    },
    look(selected) {
      const animate = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      map.fitBounds(extent(day, selected), { padding: 36, maxZoom: 15, animate, duration: 500 });
    },
    remove() {
      map.remove();
    },
  };
}
