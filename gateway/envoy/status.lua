-- Successes get the HTTP status that the service asks for by x-http-code, which never leaves. Errors keep theirs, also
-- when they come after x-http-code was sent; gRPC clients always see 200.
local chosen = { ["201"] = true, ["202"] = true, ["204"] = true }

function envoy_on_response(handle)
  local headers = handle:headers()
  local code = headers:get("x-http-code")
  if code ~= nil then headers:remove("x-http-code") end
  if headers:get("content-type") ~= "application/json" then return end
  headers:remove("grpc-status")
  headers:remove("grpc-message")
  headers:remove("grpc-encoding")
  local status = headers:get(":status")
  if status == "200" then
    if not chosen[code] then return end
    headers:replace(":status", code)
    if code == "204" then
      -- Without this the {} of the empty message would run into the next response on the connection.
      headers:remove("content-type")
      handle:body(true):setBytes("")
      handle:headers():remove("content-length")
      local trailers = handle:trailers()
      if trailers ~= nil then
        -- A 204 must not have trailers; without them the access log would tell UNKNOWN.
        local rpc_status = trailers:get("grpc-status")
        if rpc_status ~= nil then
          handle:streamInfo():dynamicMetadata():set("oxo", "grpc_status", tonumber(rpc_status))
        end
        trailers:remove("grpc-status")
        trailers:remove("grpc-message")
      end
    end
  elseif status == "503" then
    -- The front door's own have it already.
    if headers:get("retry-after") == nil then
      headers:add("retry-after", "1")
      explain(handle)
    end
  elseif status == "500" or status == "501" or status == "504" then
    explain(handle)
  elseif status == "400" then
    name_field(handle)
  elseif status == "401" or status == "403" then
    challenge(handle, status)
  end
end

-- What is wrong with a token, as clients of OAuth are told (RFC 6750, section 3), in place of Envoy's own words, which repeat the
-- address. What has no reason of ours, as OAuth itself, says it by itself.
function challenge(handle, status)
  local body = handle:body()
  if body == nil then return end
  local text = body:getBytes(0, body:length())
  local reason = text:match('"reason":"([A-Z_]+)"')
  if reason == nil then return explain(handle) end
  local told = "Bearer"
  if reason == "SCOPE_MISSING" then
    local scope = text:match('"message":"The [%a ]+ lacks the scope ([%w:_ ]+)%."')
    told = told .. ' error="insufficient_scope"'
    if scope ~= nil then told = told .. ', scope="' .. scope .. '"' end
  elseif status == "403" then
    return
  elseif reason == "TOKEN_INVALID" or reason == "SESSION_REVOKED" then
    told = told .. ' error="invalid_token"'
  end
  -- The ones of before are not good any more: reading the body has taken time.
  handle:headers():replace("www-authenticate", told)
end

-- What is not from a service but from who stands in its place, a sidecar of the mesh, has a code and no details: neither reason nor request id.
-- Its words are for operators, and stand in its own log. That it lets nobody through, or knows no such RPC, is no fault of the client's.
local away = { status = "503", code = "14", reason = "UNAVAILABLE", message = "The service is away." }
local late = { status = "504", code = "4", reason = "DEADLINE_EXCEEDED", message = "No answer in time." }
local unverified = { status = "503", code = "14", reason = "UNAVAILABLE", message = "Tokens cannot be verified now." }
local failed = { status = "500", code = "13", reason = "INTERNAL", message = "Internal error." }
local by_code = { ["4"] = late, ["14"] = away, ["16"] = unverified }

function explain(handle)
  local body = handle:body()
  if body == nil then return end
  local code, said = body:getBytes(0, body:length()):match('^{"code":(%d+),"message":"(.*)","details":%[%]}$')
  if code == nil then return end
  local told = said:find("upstream request timeout", 1, true) and late or by_code[code] or failed
  local headers = handle:headers()
  local info = '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"' .. told.reason
    .. '","domain":"oxo","metadata":{"requestId":"' .. (headers:get("x-request-id") or "") .. '"}}'
  headers:replace(":status", told.status)
  headers:remove("www-authenticate")
  if told.status == "503" then
    headers:replace("retry-after", "1")
    info = info .. ',{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1s"}'
  else
    headers:remove("retry-after")
  end
  local text = '{"code":' .. told.code .. ',"message":"' .. told.message .. '","details":[' .. info .. ']}'
  handle:body():setBytes(text)
  headers:replace("content-length", tostring(#text))
end

-- The front door names the field that is wrong only in its message: google.rpc.BadRequest shall name it too.
function name_field(handle)
  local body = handle:body()
  local text = body:getBytes(0, body:length())
  local description = "unknown, or of another type"
  local field, rule = text:match('"message":"Malformed request%. ([%w-]+): (must be [^"]*)"')
  if field ~= nil then
    description = rule
  else
    field = text:match('"message":"Malformed request%. ([%w_.]+): ')
      or text:match('"message":"Malformed request%. .*Could not find field \\"([%w_]+)\\"')
      or text:match('"message":"Malformed request%. .*on a scalar field for type ([%w_]+)"')
    if field == nil then return end
    field = field:gsub("_(%l)", string.upper)
  end
  local violation = ',{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"' .. field
    .. '","description":"' .. description .. '"}]}],"message":'
  text = text:gsub('%],"message":', function() return violation end, 1)
  handle:body():setBytes(text)
  handle:headers():replace("content-length", tostring(#text))
end
