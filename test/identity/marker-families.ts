/** Font families by which sites tell systems apart, and some that no system of a profile may have. */
export const MARKER_FAMILIES = [
  // Windows.
  ...[
    'Segoe UI',
    'Segoe UI Emoji',
    'Calibri',
    'Cambria',
    'Consolas',
    'Tahoma',
    'Microsoft YaHei',
    'Marlett',
    'MS Gothic',
  ],
  ...['Segoe Fluent Icons', 'HoloLens MDL2 Assets', 'Leelawadee UI', 'Nirmala UI'],
  // macOS.
  ...[
    'Helvetica Neue',
    'Menlo',
    'Monaco',
    'Geneva',
    'Lucida Grande',
    'PingFang SC',
    'Apple Color Emoji',
    'Futura',
    'Avenir',
  ],
  ...['Galvji', 'Kohinoor Devanagari Medium', 'Luminari'],
  // Android.
  ...['Roboto', 'Droid Sans Mono', 'Noto Serif', 'Dancing Script', 'Cutive Mono', 'Coming Soon'],
  // Linux.
  ...[
    'DejaVu Sans',
    'Liberation Sans',
    'Ubuntu',
    'Noto Color Emoji',
    'Cantarell',
    'Nimbus Sans',
    'Arimo',
    'Cousine',
    'Tinos',
  ],
  // Of several.
  ...['Arial', 'Times New Roman', 'Courier New', 'Georgia', 'Verdana', 'Helvetica', 'Comic Sans MS', 'Impact'],
] as const;
