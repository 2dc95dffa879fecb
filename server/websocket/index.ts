export { checkHandshake, webSocketKey } from './handshake.ts';
export { refuseUpgrade } from './refuse-upgrade.ts';
export { dispatchUpgrades, toUrl, type Upgrade, type UpgradeRoute } from './upgrade-dispatcher.ts';
