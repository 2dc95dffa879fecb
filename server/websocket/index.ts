export { refuseUpgrade } from './refuse-upgrade.ts';
export { dispatchUpgrades, toUrl, type UpgradeRoute } from './upgrade-dispatcher.ts';
