const CLUSTER_URL = /^(rediss?)\+cluster:\/\/([^@/]*@)?([^@/,\s]+:\d+(?:,[^@/,\s]+:\d+)*)\/?$/;

/**
 * URLs of the nodes that a cluster's URL names.
 * @returns undefined when it is the URL of a single server
 */
export function parseClusterUrl(url: string): string[] | undefined {
  const [, scheme, credentials = '', hosts] = CLUSTER_URL.exec(url) ?? [];
  return hosts?.split(',').map((host) => `${scheme}://${credentials}${host}`);
}
