import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readDescription } from './description.ts';
import { renderPage } from './page.ts';

/** A file of the site, as the front door answers with it. */
export interface SiteFile {
  /** The whole path of its URL. */
  path: string;
  file: string;
  gzipFile: string;
  bytes: number;
  contentType: string;
  cacheControl: string;
  etag: string;
  contentSecurityPolicy?: string;
  readableByPages?: boolean;
}

/**
 * What the page may do: load and ask what is of its own origin, and nothing else. Styles are set on elements by Swagger UI through
 * the document, which needs no permission; its pictures are data in its style sheet.
 */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
  ...["form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"],
].join('; ');

/** Its path says what it holds, so it never changes. */
const FOR_EVER = 'public, max-age=31536000, immutable';
const FOR_A_DAY = 'public, max-age=86400';
const BRIEFLY = 'public, max-age=300';
const TYPES = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' } as const;
const HTML = 'text/html; charset=utf-8';
const GZIP_LEVEL = 9;

/** Where the page is. */
export const DOCS_PATH = '/docs';
export const OPENAPI_PATH = '/openapi.yaml';
/** Where browsers look for it by themselves, of every page that we have. */
const ICON_PATH = '/favicon.ico';
/** Where Swagger UI's window of OAuth comes back to. */
export const SIGNED_IN_PATH = '/docs/signed-in';

export interface SiteOptions {
  /** gen/openapi.yaml. */
  openapiPath: string;
  /** Where files are written that must be made: the page, and what is compressed. */
  targetDir: string;
}

/**
 * Makes the site of the API reference; what is there already stays as it is. Nothing of it comes from, or leads to, another origin by itself.
 * @returns every file of it, for the front door
 */
export function buildSite({ openapiPath, targetDir }: SiteOptions): SiteFile[] {
  mkdirSync(targetDir, { recursive: true });
  const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const own = join(import.meta.dirname, 'assets');
  const asset = (folder: string, name: string): SiteFile => assetOf(join(folder, name), name, targetDir);
  const styles = [asset(swagger, 'swagger-ui.css'), asset(own, 'docs.css')];
  const scripts = [asset(swagger, 'swagger-ui-bundle.js'), asset(own, 'docs.js')];
  const signedIn = asset(swagger, 'oauth2-redirect.js');
  const description = readFileSync(openapiPath);
  const page = () =>
    renderPage(readDescription(openapiPath), {
      styles: styles.map(({ path }) => path),
      scripts: scripts.map(({ path }) => path),
      openapi: OPENAPI_PATH,
      icon: ICON_PATH,
    });
  const signedInPage = () =>
    `<!doctype html>\n<html lang="en">\n<title>Signed in</title>\n<script src="${signedIn.path}" defer></script>\n</html>\n`;
  // All that a page is made of: reading the description takes half a second.
  const parts = [description, ...ownSources(), ...[...styles, ...scripts, signedIn].map(({ path }) => path)];
  return [
    pageOf(DOCS_PATH, hashOf(...parts), page, targetDir),
    pageOf(SIGNED_IN_PATH, hashOf('signed in', ...parts), signedInPage, targetDir),
    ...styles,
    ...scripts,
    signedIn,
    iconOf(join(own, 'icon.svg'), targetDir),
    {
      ...describe(OPENAPI_PATH, openapiPath, description, targetDir),
      contentType: 'application/yaml',
      cacheControl: BRIEFLY,
      readableByPages: true,
    },
  ];
}

function iconOf(file: string, targetDir: string): SiteFile {
  const contentType = 'image/svg+xml';
  return { ...describe(ICON_PATH, file, readFileSync(file), targetDir), contentType, cacheControl: FOR_A_DAY };
}

function assetOf(file: string, name: string, targetDir: string): SiteFile {
  const content = readFileSync(file);
  const [, stem, type] = /^(.+)\.(css|js)$/.exec(name) ?? [];
  const path = `${DOCS_PATH}/assets/${stem}-${hashOf(content)}.${type}`;
  return {
    ...describe(path, file, content, targetDir),
    contentType: TYPES[type as keyof typeof TYPES],
    cacheControl: FOR_EVER,
  };
}

/** @param key of all that it is made of: a page that is there under this name is not made again */
function pageOf(path: string, key: string, render: () => string, targetDir: string): SiteFile {
  const file = join(targetDir, `${key}.html`);
  writeOnce(file, () => Buffer.from(render()));
  return {
    ...describe(path, file, readFileSync(file), targetDir),
    contentType: HTML,
    cacheControl: BRIEFLY,
    contentSecurityPolicy: POLICY,
  };
}

function describe(path: string, file: string, content: Buffer, targetDir: string) {
  const hash = hashOf(content);
  const gzipFile = join(targetDir, `${hash}.gz`);
  writeOnce(gzipFile, () => gzipSync(content, { level: GZIP_LEVEL }));
  return { path, file, gzipFile, bytes: content.length, etag: `W/"${hash}"` };
}

/** A file appears whole or not at all; its name says what it holds. */
function writeOnce(file: string, make: () => Buffer): void {
  if (existsSync(file)) return;
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, make());
  renameSync(fresh, file);
}

function ownSources(): Buffer[] {
  const folder = import.meta.dirname;
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return names.sort().map((name) => readFileSync(join(folder, name)));
}

function hashOf(...contents: (Buffer | string)[]): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(createHash('sha256').update(content).digest());
  return hash.digest('hex').slice(0, 16);
}
