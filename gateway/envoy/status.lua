-- Gives successes the HTTP status that the service asks for by x-http-code, which never leaves. Errors keep theirs, also
-- when they come after x-http-code was sent; gRPC clients always see 200.
function envoy_on_response(handle)
  local headers = handle:headers()
  local code = headers:get("x-http-code")
  if code ~= nil then
    headers:remove("x-http-code")
  end
end
