-- Asks Countersign whether a request may pass, and tells the service who it is from. Used by haproxy.cfg.

-- The listener with the part `verify`, which nobody outside may reach.
local VERIFY = "http://127.0.0.1:8082/verify/"
-- How long to wait for an answer, in milliseconds.
local TIMEOUT = 5000

-- Set on every request that passes, empty where nothing is known.
local IDENTITY = {
  "remote-subject", "remote-user", "remote-email", "remote-groups", "remote-name", "remote-role", "remote-assertion",
}

-- What belongs to the caller's connection or body, and is not for Countersign.
local HOP = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["keep-alive"] = true,
  ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
}

-- What httpclient and req_get_headers give begins at 0.
local function first(headers, name)
  local values = headers and headers[name]
  return values and (values[0] or values[1]) or ""
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

local function question(txn, sent)
  local headers = {}
  for name, values in pairs(sent) do
    if not HOP[name] then
      local list = {}
      for _, value in pairs(values) do list[#list + 1] = value end
      headers[name] = list
    end
  end
  headers["x-forwarded-method"] = { txn.f:method() }
  -- As the caller wrote it, which is also what the service gets: nothing can be read in two ways.
  headers["x-forwarded-uri"] = { txn.f:pathq() }
  return headers
end

local function refuse(txn, status, headers, body)
  local answer = { ["cache-control"] = { "no-store" } }
  for _, name in ipairs({ "location", "www-authenticate", "content-type" }) do
    if first(headers, name) ~= "" then answer[name] = { first(headers, name) } end
  end
  txn:done(txn:reply({ status = status, headers = answer, body = body or "" }))
end

core.register_action("countersign", { "http-req" }, function(txn, app)
  local sent = txn.http:req_get_headers()
  local answer = core.httpclient():get({
    url = VERIFY .. app, headers = question(txn, sent), timeout = TIMEOUT,
  })
  if not answer or not answer.status or answer.status < 200 or answer.status >= 500 then
    return refuse(txn, 503)
  end
  if answer.status ~= 200 then
    return refuse(txn, answer.status, answer.headers, answer.body)
  end
  for _, name in ipairs(IDENTITY) do
    txn.http:req_set_header(name, first(answer.headers, name))
  end
  -- What opened the door stays outside of it.
  txn.http:req_del_header("authorization")
  if sent["cookie"] then
    local all = {}
    for _, value in pairs(sent["cookie"]) do all[#all + 1] = value end
    local cookies = other_cookies(table.concat(all, "; "))
    txn.http:req_del_header("cookie")
    if cookies ~= "" then txn.http:req_set_header("cookie", cookies) end
  end
  txn:set_var("txn.countersign", "allowed")
end, 1)
