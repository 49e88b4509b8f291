-- Asks Countersign whether a request may pass, and tells the service who it is from. Used by wiki.example.org.conf.
-- An error in here is a 500: nobody passes.

local http = require "socket.http"
local ltn12 = require "ltn12"

-- The listener with the part `verify`, which nobody outside may reach.
local VERIFY = "http://127.0.0.1:8082/verify/"
-- How long to wait for an answer, in seconds.
http.TIMEOUT = 5

-- Set on every request that passes, empty where nothing is known.
local IDENTITY = {
  "Remote-Subject", "Remote-User", "Remote-Email", "Remote-Groups", "Remote-Name", "Remote-Role", "Remote-Assertion",
}

-- What belongs to the caller's connection or body, and is not for Countersign.
local HOP = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["keep-alive"] = true,
  ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
}

-- What may stand in `Connection`: any other header that is named in it would be taken away later, ours too.
local CONNECTION = { ["close"] = true, ["keep-alive"] = true, ["upgrade"] = true }

-- From these some services take their path or method in place of the request's own.
local INSTEAD = { ["x-rewrite-url"] = true, ["x-method-override"] = true }

local function plain_connection(text)
  local kept = {}
  for word in (text or ""):lower():gmatch("[^%s,]+") do
    if CONNECTION[word] then kept[#kept + 1] = word end
  end
  return #kept > 0 and table.concat(kept, ", ") or nil
end

-- Takes away what a caller may not say of itself, who it is and where it comes from, in any spelling that a service in
-- the manner of CGI takes for ours.
local function strip(r)
  r.headers_in["Connection"] = plain_connection(r.headers_in["Connection"])
  for name in pairs(r:headers_in_table()) do
    local plain = name:lower()
    if plain:find("[^%w-]") or plain:find("^remote%-") or plain:find("^x%-forwarded%-")
        or plain:find("^x%-original%-") or plain:find("^x%-http%-method") or INSTEAD[plain]
        or plain == "x-real-ip" or plain == "forwarded"
        or plain == "countersign-key" then
      r.headers_in[name] = nil
    end
  end
  r.headers_in["X-Forwarded-For"] = r.useragent_ip
  r.headers_in["X-Forwarded-Proto"] = "https"
  r.headers_in["X-Forwarded-Host"] = r.hostname
end

-- The caller's cookies without Countersign's. With another `cookies.name`, write that here.
local function other_cookies(text)
  local kept = {}
  for cookie in text:gmatch("[^;]+") do
    local name = cookie:lower()
    if not name:find("__host-countersign", 1, true) and not name:find("__secure-countersign", 1, true) then
      kept[#kept + 1] = cookie:match("^%s*(.-)%s*$")
    end
  end
  return table.concat(kept, "; ")
end

local function question(r)
  local headers = {}
  for name, value in pairs(r:headers_in_table()) do
    if not HOP[name:lower()] then headers[name:lower()] = value end
  end
  headers["x-forwarded-method"] = r.method
  -- As the caller wrote it, which is also what the service gets: nothing can be read in two ways.
  headers["x-forwarded-uri"] = r.unparsed_uri
  return headers
end

local function refuse(r, status, headers, body)
  r.headers_out["Location"] = headers["location"]
  r.err_headers_out["WWW-Authenticate"] = headers["www-authenticate"]
  r.err_headers_out["Cache-Control"] = "no-store"
  if status ~= 302 then r:custom_response(status, body ~= "" and body or " ") end
  return status
end

function check(r)
  strip(r)
  -- Tickets, unasked; only where the path has one reading, so that nothing else is behind it once it is decoded or
  -- shortened.
  local path = r.unparsed_uri:match("^[^?]*")
  if path == r.uri and path:find("^/%.countersign/[%w_./-]*$") then return apache2.OK end
  local app = r.subprocess_env["COUNTERSIGN_APP"]
  if not app then return 500 end
  local body = {}
  local done, status, headers = http.request({
    url = VERIFY .. app, headers = question(r), sink = ltn12.sink.table(body), redirect = false,
  })
  if not done or type(status) ~= "number" or status < 200 or status >= 500 then return 503 end
  if status ~= 200 then return refuse(r, status, headers, table.concat(body)) end
  for _, name in ipairs(IDENTITY) do
    r.headers_in[name] = headers[name:lower()] or ""
  end
  -- What opened the door stays outside of it.
  r.headers_in["Authorization"] = nil
  if r.headers_in["Cookie"] then
    local cookies = other_cookies(r.headers_in["Cookie"])
    r.headers_in["Cookie"] = cookies ~= "" and cookies or nil
  end
  return apache2.OK
end
