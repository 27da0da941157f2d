import type { IncomingMessage, ServerResponse } from 'node:http';
import { RefusedRequest } from './completion-request.ts';

/**
 * Reads the body of a request.
 * @throws RefusedRequest more than `most` bytes, or no JSON
 */
export async function readJson(request: IncomingMessage, most: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) throw new RefusedRequest(`the body may have ${most} bytes`, { status: 413 });
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    throw new RefusedRequest('the body must be JSON');
  }
}

export function sendJson(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
