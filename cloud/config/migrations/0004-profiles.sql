-- Profiles that last: folders, who wears which, and versions of what their browsers have stored.

begin;

alter table profiles
  add column folder text check (folder <> ''),
  add column locked_by_session_id uuid,
  add column locked_by_node_id text,
  add column locked_at timestamptz,
  add column last_state_version integer not null default 0 check (last_state_version >= 0),
  add constraint profiles_lock_is_whole check (
    (locked_by_session_id is null) = (locked_by_node_id is null) and (locked_by_session_id is null) = (locked_at is null)
  );

comment on column profiles.folder is 'Where its owner has filed it; null: nowhere.';
comment on column profiles.locked_by_session_id is 'The session that wears the profile; null: none. No foreign key: the lock is taken before the session is written.';
comment on column profiles.locked_by_node_id is 'The node of that session, which also frees the lock of one that is gone.';
comment on column profiles.last_state_version is 'Number of the newest version of the saved state ever begun; the next gets the next.';

-- The version before this one knows neither folders nor locks: editing a folder is an edit as well.
drop trigger profiles_updated_at on profiles;
create trigger profiles_updated_at before update of name, notes, fingerprint, tags, folder, default_proxy_id
  on profiles for each row when (old.* is distinct from new.*) execute function set_updated_at();

-- serves: GET /api/profiles?folder=, newest first
create index profiles_by_folder on profiles (folder, created_at desc, id desc) where folder is not null;
-- serves: freeing the locks of a node's sessions that are gone
create index profiles_locked_by_node on profiles (locked_by_node_id) where locked_by_node_id is not null;

-- A version is written down before its object is stored, so that no object is ever forgotten: size, hash and time follow.
alter table profile_states
  add column version integer not null default 1 check (version > 0),
  add column chromium_version text,
  alter column size_bytes drop not null,
  alter column sha256 drop not null,
  alter column saved_at drop not null,
  alter column saved_at drop default,
  drop constraint profile_states_pkey,
  add primary key (profile_id, version),
  add constraint profile_states_whole_when_saved check (
    (saved_at is null) = (size_bytes is null) and (saved_at is null) = (sha256 is null)
  );

comment on table profile_states is 'Versions of the saved state of a profile (cookies, local storage, IndexedDB): where each is in the object store.';
comment on column profile_states.saved_at is 'When its object was whole; null: it is being stored, or whoever stored it is gone.';
comment on column profile_states.sha256 is 'Of the object, as it is stored.';
comment on column profile_states.chromium_version is 'Of the browser that wrote it; null: no browser did.';

-- The sample profiles get the members that fingerprints have had since, unless somebody has edited them.

update profiles set fingerprint = '{
    "schema": "guise/fingerprint/1",
    "seed": 1,
    "os": "windows",
    "osVersion": "11",
    "browser": {"brand": "Google Chrome", "version": "156.0.8078.79"},
    "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "clientHints": {
      "brands": [{"brand": "Not:A-Brand", "version": "8"}, {"brand": "Chromium", "version": "156"}, {"brand": "Google Chrome", "version": "156"}],
      "fullVersionList": [{"brand": "Not:A-Brand", "version": "8.0.0.0"}, {"brand": "Chromium", "version": "156.0.8078.79"}, {"brand": "Google Chrome", "version": "156.0.8078.79"}],
      "platform": "Windows",
      "platformVersion": "19.0.0",
      "architecture": "x86",
      "bitness": "64",
      "model": "",
      "mobile": false,
      "wow64": false,
      "formFactors": ["Desktop"]
    },
    "navigatorPlatform": "Win32",
    "locale": "en-US",
    "languages": ["en-US", "en"],
    "timezone": "America/New_York",
    "geolocation": {"mode": "prompt"},
    "screen": {
      "width": 1920,
      "height": 1080,
      "availWidth": 1920,
      "availHeight": 1032,
      "availLeft": 0,
      "availTop": 0,
      "devicePixelRatio": 1,
      "colorDepth": 24,
      "colorGamut": "srgb"
    },
    "window": {"x": 0, "y": 0, "width": 1920, "height": 1032},
    "hardware": {"cpuCores": 8, "memoryGb": 16, "maxTouchPoints": 0},
    "gpu": {
      "vendor": "Google Inc. (NVIDIA)",
      "renderer": "ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)"
    },
    "fonts": [
      "Arial", "Bahnschrift", "Calibri", "Cambria", "Cambria Math", "Candara", "Comic Sans MS", "Consolas",
      "Constantia", "Corbel", "Courier New", "Ebrima", "Franklin Gothic Medium", "Gabriola", "Gadugi", "Georgia",
      "HoloLens MDL2 Assets", "Impact", "Ink Free", "Javanese Text", "Leelawadee UI", "Lucida Console",
      "Lucida Sans Unicode", "MS Gothic", "MS UI Gothic", "Malgun Gothic", "Marlett", "Microsoft JhengHei",
      "Microsoft Sans Serif", "Microsoft YaHei", "Mongolian Baiti", "Myanmar Text", "Nirmala UI",
      "Palatino Linotype", "Segoe Fluent Icons", "Segoe MDL2 Assets", "Segoe Print", "Segoe Script", "Segoe UI",
      "Segoe UI Emoji", "Segoe UI Historic", "Segoe UI Light", "Segoe UI Symbol", "SimSun", "Sitka", "Sylfaen",
      "Symbol", "Tahoma", "Times New Roman", "Trebuchet MS", "Verdana", "Webdings", "Wingdings", "Yu Gothic"
    ],
    "voices": [
      {"name": "Microsoft David - English (United States)", "lang": "en-US", "isDefault": true, "isLocal": true},
      {"name": "Microsoft Mark - English (United States)", "lang": "en-US", "isDefault": false, "isLocal": true},
      {"name": "Microsoft Zira - English (United States)", "lang": "en-US", "isDefault": false, "isLocal": true}
    ],
    "media": {"audioInputs": 1, "videoInputs": 1, "audioOutputs": 1},
    "webrtcPolicy": "disable_non_proxied_udp",
    "colorScheme": "light",
    "doNotTrack": false
  }'
where name = 'Sample Windows' and tags @> '{sample}' and not fingerprint ? 'schema' and updated_at = created_at;

update profiles set fingerprint = '{
    "schema": "guise/fingerprint/1",
    "seed": 2,
    "os": "macos",
    "osVersion": "15.5",
    "browser": {"brand": "Google Chrome", "version": "156.0.8078.79"},
    "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "clientHints": {
      "brands": [{"brand": "Not:A-Brand", "version": "8"}, {"brand": "Chromium", "version": "156"}, {"brand": "Google Chrome", "version": "156"}],
      "fullVersionList": [{"brand": "Not:A-Brand", "version": "8.0.0.0"}, {"brand": "Chromium", "version": "156.0.8078.79"}, {"brand": "Google Chrome", "version": "156.0.8078.79"}],
      "platform": "macOS",
      "platformVersion": "15.5.0",
      "architecture": "arm",
      "bitness": "64",
      "model": "",
      "mobile": false,
      "wow64": false,
      "formFactors": ["Desktop"]
    },
    "navigatorPlatform": "MacIntel",
    "locale": "en-GB",
    "languages": ["en-GB", "en-US", "en"],
    "timezone": "Europe/London",
    "geolocation": {"mode": "prompt"},
    "screen": {
      "width": 1512,
      "height": 982,
      "availWidth": 1512,
      "availHeight": 944,
      "availLeft": 0,
      "availTop": 38,
      "devicePixelRatio": 2,
      "colorDepth": 30,
      "colorGamut": "p3"
    },
    "window": {"x": 0, "y": 38, "width": 1512, "height": 944},
    "hardware": {"cpuCores": 8, "memoryGb": 16, "maxTouchPoints": 0},
    "gpu": {"vendor": "Google Inc. (Apple)", "renderer": "ANGLE (Apple, ANGLE Metal Renderer: Apple M3, Unspecified Version)"},
    "fonts": [
      "American Typewriter", "Apple Color Emoji", "Apple Symbols", "Arial", "Arial Unicode MS", "Avenir",
      "Avenir Next", "Baskerville", "Comic Sans MS", "Courier", "Courier New", "Didot", "Futura", "Galvji", "Geneva",
      "Georgia", "Gill Sans", "Helvetica", "Helvetica Neue", "Hiragino Sans", "Impact", "InaiMathi Bold",
      "Kohinoor Devanagari Medium", "Lucida Grande", "Luminari", "Menlo", "Monaco", "Optima", "Palatino",
      "PingFang HK", "PingFang SC", "PingFang TC", "STIX Two Math", "STIX Two Text", "Tahoma", "Times",
      "Times New Roman", "Trebuchet MS", "Verdana", "Zapf Dingbats"
    ],
    "voices": [
      {"name": "Daniel", "lang": "en-GB", "isDefault": true, "isLocal": true},
      {"name": "Samantha", "lang": "en-US", "isDefault": false, "isLocal": true},
      {"name": "Karen", "lang": "en-AU", "isDefault": false, "isLocal": true},
      {"name": "Moira", "lang": "en-IE", "isDefault": false, "isLocal": true},
      {"name": "Thomas", "lang": "fr-FR", "isDefault": false, "isLocal": true},
      {"name": "Anna", "lang": "de-DE", "isDefault": false, "isLocal": true},
      {"name": "Alice", "lang": "it-IT", "isDefault": false, "isLocal": true}
    ],
    "media": {"audioInputs": 1, "videoInputs": 1, "audioOutputs": 1},
    "webrtcPolicy": "disable_non_proxied_udp",
    "colorScheme": "light",
    "doNotTrack": false
  }'
where name = 'Sample macOS' and tags @> '{sample}' and not fingerprint ? 'schema' and updated_at = created_at;

update profiles set fingerprint = '{
    "schema": "guise/fingerprint/1",
    "seed": 3,
    "os": "android",
    "osVersion": "15",
    "browser": {"brand": "Google Chrome", "version": "156.0.8078.79"},
    "userAgent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
    "clientHints": {
      "brands": [{"brand": "Not:A-Brand", "version": "8"}, {"brand": "Chromium", "version": "156"}, {"brand": "Google Chrome", "version": "156"}],
      "fullVersionList": [{"brand": "Not:A-Brand", "version": "8.0.0.0"}, {"brand": "Chromium", "version": "156.0.8078.79"}, {"brand": "Google Chrome", "version": "156.0.8078.79"}],
      "platform": "Android",
      "platformVersion": "15.0.0",
      "architecture": "",
      "bitness": "",
      "model": "Pixel 9",
      "mobile": true,
      "wow64": false,
      "formFactors": ["Mobile"]
    },
    "navigatorPlatform": "Linux armv81",
    "locale": "de-DE",
    "languages": ["de-DE", "de", "en-US", "en"],
    "timezone": "Europe/Berlin",
    "geolocation": {"mode": "prompt"},
    "screen": {
      "width": 412,
      "height": 923,
      "availWidth": 412,
      "availHeight": 923,
      "availLeft": 0,
      "availTop": 0,
      "devicePixelRatio": 2.625,
      "colorDepth": 24,
      "colorGamut": "srgb"
    },
    "window": {"x": 0, "y": 0, "width": 412, "height": 923},
    "hardware": {"cpuCores": 8, "memoryGb": 8, "maxTouchPoints": 5},
    "gpu": {"vendor": "Google Inc. (ARM)", "renderer": "ANGLE (ARM, Mali-G715, OpenGL ES 3.2)"},
    "fonts": ["Coming Soon", "Cutive Mono", "Dancing Script", "Droid Sans Mono", "Noto Serif", "Roboto", "Roboto Condensed"],
    "voices": [
      {"name": "German Germany", "lang": "de-DE", "isDefault": true, "isLocal": true},
      {"name": "English United States", "lang": "en-US", "isDefault": false, "isLocal": true},
      {"name": "French France", "lang": "fr-FR", "isDefault": false, "isLocal": true}
    ],
    "media": {"audioInputs": 1, "videoInputs": 1, "audioOutputs": 1},
    "webrtcPolicy": "disable_non_proxied_udp",
    "colorScheme": "light",
    "doNotTrack": false
  }'
where name = 'Sample Android' and tags @> '{sample}' and not fingerprint ? 'schema' and updated_at = created_at;

insert into schema_migrations (version, name) values (4, 'profiles');

commit;
