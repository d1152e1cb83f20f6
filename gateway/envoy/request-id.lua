-- Runs only on requests whose x-request-id is not well formed (routes.ts), and makes one of it that is.
function envoy_on_request(handle)
  local headers = handle:headers()
  local id = headers:get("x-request-id"):sub(1, 64):gsub("[^%w_-]", "_")
  if id == "" then id = handle:timestampString(EnvoyTimestampResolution.MICROSECOND) end
  headers:replace("x-request-id", id)
  handle:clearRouteCache()
end
