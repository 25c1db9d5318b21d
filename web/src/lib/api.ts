// The one place where the page speaks to the server.

import type { About, Day } from "./types";

/** A refusal by the server (RFC 9457 problem details), or a lost connection (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly params: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "offline", "");
  }
  const text = await answer.text();
  if (!answer.ok) {
    let problem: {
      code?: string;
      title?: string;
      detail?: string;
      params?: Record<string, unknown>;
    } = {};
    try {
      problem = JSON.parse(text);
    } catch {
      // Something between the page and the server answered; its status is all there is.
    }
    const message = problem.detail ?? problem.title ?? `HTTP ${answer.status}`;
    throw new ApiError(answer.status, problem.code ?? "", message, problem.params);
  }
  return (text === "" ? null : JSON.parse(text)) as T;
}

export const about = () => call<About>("GET", "/about");
export const today = () => call<Day>("GET", "/days/today");
export const mapLayers = () => call<unknown>("GET", "/map/layers");
export const signIn = (login: string, password: string) =>
  call<unknown>("POST", "/session", { login, password });
export const signOut = () => call<unknown>("DELETE", "/session");
