// How better-auth is configured.
import { betterAuth } from "better-auth";
import { twoFactor } from "better-auth/plugins";
import pg from "pg";

export const options = {
  appName: "bench",
  baseURL: `http://${process.env.ADDRESS}`,
  secret: "a-secret-of-32-bytes-for-benchmarks-only",
  // Each of two workers has as many connections as half of the load.
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 }),
  emailAndPassword: {
    enabled: true,
    // The password step can't be left out: it makes the challenge. It costs no hash here, so that the second factor alone
    // is measured.
    password: {
      hash: async (password) => password,
      verify: async ({ hash, password }) => hash === password,
    },
  },
  plugins: [twoFactor()],
  // It is by address, and all of the load comes from one. The budgets of a challenge and of an account stay on.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
};

export const auth = betterAuth(options);
