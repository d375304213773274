// Made by `npm run types` from the server's contract.json; do not edit.

export interface paths {
    "/v2/collection_by_name/{collection_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                collection_name: string;
            };
            cookie?: never;
        };
        /** See a collection by its name */
        get: operations["get_single_collection_by_name"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/collections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the collections of styles */
        get: operations["get_collection"];
        put?: never;
        /** Make a collection of styles */
        post: operations["post_collection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/collections/{collection_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                collection_id: string;
            };
            cookie?: never;
        };
        /** See a collection */
        get: operations["get_single_collection"];
        put?: never;
        post?: never;
        /** Delete a collection */
        delete: operations["delete_single_collection"];
        options?: never;
        head?: never;
        /** Change a collection */
        patch: operations["patch_single_collection"];
        trace?: never;
    };
    "/v2/documents/privacy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the privacy notice */
        get: operations["get_docs_privacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/documents/sponsors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read who sponsors the horde */
        get: operations["get_docs_sponsors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/documents/terms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the terms of use */
        get: operations["get_docs_terms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/filters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the prompt filters */
        get: operations["get_filters"];
        /** Add a prompt filter */
        put: operations["put_filters"];
        /** See what the filters find in a prompt */
        post: operations["post_filters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/filters/regex": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See all patterns of each type as one */
        get: operations["get_filter_regex"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/filters/{filter_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                filter_id: string;
            };
            cookie?: never;
        };
        /** See a prompt filter */
        get: operations["get_filter_single"];
        put?: never;
        post?: never;
        /** Delete a prompt filter */
        delete: operations["delete_filter_single"];
        options?: never;
        head?: never;
        /** Change a prompt filter */
        patch: operations["patch_filter_single"];
        trace?: never;
    };
    "/v2/find_user": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See whose an API key is */
        get: operations["get_find_user"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/async": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask for pictures */
        post: operations["post_image_async_generate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/check/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** See how far a request is */
        get: operations["get_image_async_check"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/pop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take jobs as a worker */
        post: operations["post_image_job_pop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/rate/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Rate the pictures of a shared request */
        post: operations["post_aesthetics"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/status/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** Fetch the pictures of a request */
        get: operations["get_image_async_status"];
        put?: never;
        post?: never;
        /** Cancel a request */
        delete: operations["delete_image_async_status"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/submit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Deliver a finished job */
        post: operations["post_image_job_submit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/text/async": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask for texts */
        post: operations["post_text_async_generate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/text/pop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take texts to write as a worker */
        post: operations["post_text_job_pop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/text/status/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** See how far a request for texts is, with its texts */
        get: operations["get_text_async_status"];
        put?: never;
        post?: never;
        /** Cancel a request for texts */
        delete: operations["delete_text_async_status"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/generate/text/submit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Deliver a finished text */
        post: operations["post_text_job_submit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/interrogate/async": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask for forms about a picture */
        post: operations["post_interrogate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/interrogate/pop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take forms as a worker */
        post: operations["post_interrogate_pop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/interrogate/status/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** Fetch the results of an alchemy request */
        get: operations["get_interrogation_status"];
        put?: never;
        post?: never;
        /** Cancel an alchemy request */
        delete: operations["delete_interrogation_status"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/interrogate/submit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Deliver a form */
        post: operations["post_interrogate_submit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/kudos/award": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Award kudos to a user */
        post: operations["post_award_kudos"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/kudos/transfer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give kudos to another user */
        post: operations["post_transfer_kudos"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/operations/block_worker_ipaddr/{worker_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Keep out the address of a worker */
        put: operations["put_operations_block_worker_ip"];
        post?: never;
        /** Let the address of a worker in again */
        delete: operations["delete_operations_block_worker_ip"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/operations/ipaddr": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the ranges of addresses that are kept out */
        get: operations["get_operations_ip"];
        put?: never;
        /** Keep out an address or a range */
        post: operations["post_operations_ip"];
        /** Let an address or a range in again */
        delete: operations["delete_operations_ip"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/operations/ipaddr/{ipaddr}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                ipaddr: string;
            };
            cookie?: never;
        };
        /** See what keeps out an address */
        get: operations["get_operations_ip_single"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/sharedkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Make a key that shares your kudos */
        put: operations["put_shared_key"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/sharedkeys/{sharedkey_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sharedkey_id: string;
            };
            cookie?: never;
        };
        /** See a shared key */
        get: operations["get_shared_key_single"];
        put?: never;
        post?: never;
        /** Delete a shared key */
        delete: operations["delete_shared_key_single"];
        options?: never;
        head?: never;
        /** Change a shared key */
        patch: operations["patch_shared_key_single"];
        trace?: never;
    };
    "/v2/stats/img/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See how many images were generated by each model */
        get: operations["get_image_horde_stats_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/stats/img/totals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See how many images were generated */
        get: operations["get_image_horde_stats_totals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/stats/text/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See how much text was generated by each model */
        get: operations["get_text_horde_stats_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/stats/text/totals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See how much text was generated */
        get: operations["get_text_horde_stats_totals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/status/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See whether this node lives */
        get: operations["get_heartbeat"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/status/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the models in use */
        get: operations["get_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/status/models/{model_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model_name: string;
            };
            cookie?: never;
        };
        /** See one model in use */
        get: operations["get_model_single"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/status/modes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See the switches of the horde */
        get: operations["get_horde_modes"];
        /** Switch modes of the horde */
        put: operations["put_horde_modes"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/status/news": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the news */
        get: operations["get_horde_news"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/status/performance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See how the horde performs */
        get: operations["get_horde_load"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/styles/image": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the image styles */
        get: operations["get_image_style"];
        put?: never;
        /** Make an image style */
        post: operations["post_image_style"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/styles/image/{style_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        /** See an image style */
        get: operations["get_single_image_style"];
        put?: never;
        post?: never;
        /** Delete an image style */
        delete: operations["delete_single_image_style"];
        options?: never;
        head?: never;
        /** Change an image style */
        patch: operations["patch_single_image_style"];
        trace?: never;
    };
    "/v2/styles/image/{style_id}/example": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add an example to an image style */
        post: operations["post_image_style_example"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/styles/image/{style_id}/example/{example_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                style_id: string;
                example_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete an example */
        delete: operations["delete_single_image_style_example"];
        options?: never;
        head?: never;
        /** Change an example */
        patch: operations["patch_single_image_style_example"];
        trace?: never;
    };
    "/v2/styles/image_by_name/{style_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                style_name: string;
            };
            cookie?: never;
        };
        /** See an image style by its name */
        get: operations["get_single_image_style_by_name"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/styles/text": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the text styles */
        get: operations["get_text_style"];
        put?: never;
        /** Make a text style */
        post: operations["post_text_style"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/styles/text/{style_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        /** See a text style */
        get: operations["get_single_text_style"];
        put?: never;
        post?: never;
        /** Delete a text style */
        delete: operations["delete_single_text_style"];
        options?: never;
        head?: never;
        /** Change a text style */
        patch: operations["patch_single_text_style"];
        trace?: never;
    };
    "/v2/styles/text_by_name/{style_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                style_name: string;
            };
            cookie?: never;
        };
        /** See a text style by its name */
        get: operations["get_single_text_style_by_name"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/teams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the teams */
        get: operations["get_teams"];
        put?: never;
        /** Create a team */
        post: operations["post_teams"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/teams/{team_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                team_id: string;
            };
            cookie?: never;
        };
        /** See a team */
        get: operations["get_team_single"];
        put?: never;
        post?: never;
        /** Delete a team */
        delete: operations["delete_team_single"];
        options?: never;
        head?: never;
        /** Change a team */
        patch: operations["patch_team_single"];
        trace?: never;
    };
    "/v2/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the users */
        get: operations["get_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        /** See a user */
        get: operations["get_user_single"];
        /** Change a user */
        put: operations["put_user_single"];
        post?: never;
        /** Delete a user */
        delete: operations["delete_user_single"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the workers that are online */
        get: operations["get_workers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/workers/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List messages to workers */
        get: operations["get_worker_messages"];
        put?: never;
        /** Send a message to a worker */
        post: operations["post_worker_messages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/workers/messages/{message_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                message_id: string;
            };
            cookie?: never;
        };
        /** See a message to a worker */
        get: operations["get_single_worker_message"];
        put?: never;
        post?: never;
        /** Delete a message to a worker */
        delete: operations["delete_single_worker_message"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/workers/name/{worker_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                worker_name: string;
            };
            cookie?: never;
        };
        /** See a worker by its name */
        get: operations["get_worker_single_name"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/workers/{worker_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        /** See a worker */
        get: operations["get_worker_single"];
        /** Change a worker */
        put: operations["put_worker_single"];
        post?: never;
        /** Delete a worker */
        delete: operations["delete_worker_single"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ActiveModel: components["schemas"]["ActiveModelLite"] & {
            /** @description Seconds until what waits is done. */
            eta: number;
            /** @description Jobs that wait. */
            jobs: number;
            /** @description Speed of its workers, in megapixelsteps or tokens a second. */
            performance: number;
            /** @description Megapixelsteps or tokens that wait. */
            queued: number;
            /**
             * @description What it generates.
             * @example image
             * @enum {string}
             */
            type: "image" | "text";
        };
        ActiveModelLite: {
            /** @description Worker threads that have it. */
            count: number;
            /** @description Name of the model. */
            name: string;
        };
        /**
         * @example {
         *       "hours": 24,
         *       "ipaddr": "203.0.113.7"
         *     }
         */
        AddTimeoutIPInput: {
            /** @description For how many hours it is kept out. */
            hours: number;
            /** @description Network address, or range as 203.0.113.0/24. */
            ipaddr: string;
        };
        /**
         * @example {
         *       "days": 7
         *     }
         */
        AddWorkerTimeout: {
            /** @description For how many days the worker's address is kept out. */
            days: number;
        };
        AestheticRating: {
            /** @description How flawed it is: 0 not at all, 5 beyond use. */
            artifacts?: number;
            /** @description Id of the picture. */
            id: string;
            /** @description How it looks. */
            rating: number;
        };
        /**
         * @example {
         *       "ratings": [
         *         {
         *           "artifacts": 0,
         *           "id": "4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c",
         *           "rating": 8
         *         }
         *       ]
         *     }
         */
        AestheticsPayload: {
            /** @description Id of the best picture, where there are several. */
            best?: string;
            ratings?: components["schemas"]["AestheticRating"][];
        };
        ContributionsDetails: {
            /** @description Obsolete: see records. */
            fulfillments: number | null;
            /** @description Obsolete: see records. */
            megapixelsteps: number | null;
        };
        /**
         * @example {
         *       "info": "We keep the light on.",
         *       "name": "lamp keepers"
         *     }
         */
        CreateTeamInput: {
            /** @description What others should know of the team. */
            info?: string;
            /** @description Name of the team; no other has it, in whatever case. */
            name: string;
        };
        /**
         * @example {
         *       "ipaddr": "203.0.113.7"
         *     }
         */
        DeleteTimeoutIPInput: {
            /** @description Network address, or range as 203.0.113.0/24. */
            ipaddr: string;
        };
        DeletedTeam: {
            /** @description Id that the team had. */
            deleted_id: string;
            /** @description Name that the team had. */
            deleted_name: string;
        };
        DeletedWorker: {
            /** @description Id that the worker had. */
            deleted_id: string;
            /** @description Name that the worker had. */
            deleted_name: string;
        };
        ExtraSourceImage: {
            /** @description Picture: base64 or URL. */
            image?: string;
            /**
             * @description Its weight.
             * @default 1
             */
            strength: number;
        };
        ExtraText: {
            /** @description What the text is for. */
            reference?: string;
            /** @description The text. */
            text?: string;
        };
        FilterDetails: {
            /** @description What the pattern is meant to catch. */
            description?: string | null;
            /**
             * @description What the pattern is for.
             * @example 10
             */
            filter_type: number;
            /** @description Id of the filter. */
            id: string;
            /**
             * @description The pattern.
             * @example forbidd?en
             */
            regex: string;
            /**
             * @description What takes the place of a match.
             * @default
             */
            replacement: string;
            /** @description Who wrote or changed it last. */
            user: string;
        };
        FilterPromptSuspicion: {
            matches: string[];
            /**
             * @description How suspicious the prompt is: 0, 1, or 2 for refused.
             * @default 0
             */
            suspicion: string;
        };
        FilterRegex: {
            /**
             * @description What the pattern is for.
             * @example 10
             */
            filter_type: number;
            /** @description All patterns of the type in one. */
            regex: string;
        };
        Generation: {
            /** @description Model that was used. */
            model: string;
            /**
             * @description Whether it was censored.
             * @default ok
             * @example ok
             * @enum {string}
             */
            state: "ok" | "censored" | "csam";
            /** @description Id of the worker that generated it. */
            worker_id: string;
            /** @description Name of that worker. */
            worker_name: string;
        };
        /**
         * @example {
         *       "models": [],
         *       "params": {
         *         "max_context_length": 1024,
         *         "max_length": 80,
         *         "temperature": 0.8
         *       },
         *       "prompt": "The keeper climbed the stairs of the lighthouse and"
         *     }
         */
        GenerationInputKobold: {
            /**
             * @description Too dear a request is made shorter instead of refused.
             * @default false
             */
            allow_downgrade: boolean;
            /**
             * @description For trusted users.
             * @default false
             */
            disable_batching: boolean;
            /**
             * @description Only answer what the request would cost.
             * @default false
             */
            dry_run: boolean;
            /**
             * @description No effect on texts.
             * @default false
             */
            extra_slow_workers: boolean;
            extra_source_images?: components["schemas"]["ExtraSourceImage"][];
            models?: string[];
            params?: components["schemas"]["ModelGenerationInputKobold"];
            /** @description What the text continues or answers. */
            prompt?: string;
            /** @description For service accounts: whom the request is for. */
            proxied_account?: string;
            /**
             * @description Slow workers may serve it.
             * @default true
             */
            slow_workers: boolean;
            /** @description Softprompt that the worker must have. */
            softprompt?: string;
            /** @description Id or name of a style. */
            style?: string;
            /**
             * @description Only workers of trusted owners may serve it.
             * @default false
             */
            trusted_workers: boolean;
            /**
             * @description Only validated backends may serve it.
             * @default true
             */
            validated_backends: boolean;
            /** @description https URL that is called with every finished text. */
            webhook?: string;
            /**
             * @description The workers named may not serve it, all others may.
             * @default false
             */
            worker_blacklist: boolean;
            workers?: string[];
        };
        /**
         * @example {
         *       "models": [],
         *       "params": {
         *         "cfg_scale": 7,
         *         "height": 512,
         *         "n": 1,
         *         "sampler_name": "k_euler_a",
         *         "steps": 20,
         *         "width": 512
         *       },
         *       "prompt": "a lighthouse in a storm, oil on canvas ### people, text",
         *       "r2": true
         *     }
         */
        GenerationInputStable: {
            /**
             * @description Too dear a request is made smaller instead of refused.
             * @default false
             */
            allow_downgrade: boolean;
            /**
             * @description An adult picture that came by accident is censored.
             * @default false
             */
            censor_nsfw: boolean;
            /**
             * @description Every picture is painted alone, so that its seed is exact. For trusted users.
             * @default false
             */
            disable_batching: boolean;
            /**
             * @description Only answer what the request would cost.
             * @default false
             */
            dry_run: boolean;
            /**
             * @description Very slow workers may serve it too.
             * @default false
             */
            extra_slow_workers: boolean;
            extra_source_images?: components["schemas"]["ExtraSourceImage"][];
            models?: string[];
            /**
             * @description The request may give adult pictures; only workers that allow them get it.
             * @default false
             */
            nsfw: boolean;
            params?: components["schemas"]["ModelGenerationInputStable"];
            /** @description What to paint. Text after the first ### says what to avoid. */
            prompt: string;
            /** @description For service accounts: whom the request is for. */
            proxied_account?: string;
            /**
             * @description The result comes as a download link, else in base64.
             * @default true
             */
            r2: boolean;
            /**
             * @description Suspicious prompts are cleaned instead of refused.
             * @default true
             */
            replacement_filter: boolean;
            /**
             * @description The pictures may be shared and rated.
             * @default false
             */
            shared: boolean;
            /**
             * @description Slow workers may serve it. Without them it costs more.
             * @default true
             */
            slow_workers: boolean;
            /** @description Picture to start from: base64 or URL. */
            source_image?: string;
            /** @description Mask for in- and outpainting: base64 or URL. Without it the alpha channel counts. */
            source_mask?: string;
            /**
             * @description What to do with the source image.
             * @default img2img
             * @enum {string}
             */
            source_processing: "img2img" | "inpainting" | "outpainting" | "remix";
            /** @description Id or name of a style. */
            style?: string;
            /**
             * @description Only workers of trusted owners may serve it.
             * @default false
             */
            trusted_workers: boolean;
            /**
             * @description Only validated backends may serve it.
             * @default true
             */
            validated_backends: boolean;
            /** @description https URL that is called with every finished picture. */
            webhook?: string;
            /**
             * @description The workers named may not serve it, all others may.
             * @default false
             */
            worker_blacklist: boolean;
            workers?: string[];
        };
        GenerationKobold: components["schemas"]["Generation"] & {
            gen_metadata: components["schemas"]["GenerationMetadataKobold"][];
            /**
             * @description Seed of the generation.
             * @default 0
             */
            seed: number;
            /** @description What was generated. */
            text: string;
        };
        GenerationMetadataKobold: {
            /** @description What it refers to. */
            ref?: string;
            /**
             * @description What the remark is about.
             * @enum {string}
             */
            type: "censorship";
            /**
             * @description The remark.
             * @enum {string}
             */
            value: "csam";
        };
        GenerationMetadataStable: {
            /** @description What it refers to, for example a LoRA. */
            ref?: string;
            /**
             * @description What the remark is about.
             * @enum {string}
             */
            type: "lora" | "ti" | "censorship" | "source_image" | "source_mask" | "extra_source_images" | "batch_index" | "information" | "aesthetic_score";
            /**
             * @description The remark.
             * @enum {string}
             */
            value: "download_failed" | "parse_failed" | "baseline_mismatch" | "csam" | "nsfw" | "see_ref";
        };
        GenerationPayloadKobold: {
            extra_source_images: components["schemas"]["ExtraSourceImage"][];
            /** @description Id of the job; null when there is none. */
            id: string | null;
            ids: string[];
            messages: components["schemas"]["ResponseModelMessagePop"][];
            /** @description Model to use. */
            model: string | null;
            payload: components["schemas"]["ModelPayloadKobold"];
            skipped: components["schemas"]["NoValidRequestFoundKobold"];
            /** @description Softprompt to use. */
            softprompt: string | null;
            /** @description Seconds that the worker has for it. */
            ttl: number | null;
        };
        GenerationPayloadStable: {
            extra_source_images: components["schemas"]["ExtraSourceImage"][];
            /** @description Id of the only or first job; null when there is none. */
            id: string | null;
            ids: string[];
            messages: components["schemas"]["ResponseModelMessagePop"][];
            /** @description Model to use. */
            model: string | null;
            payload: components["schemas"]["ModelPayloadStable"];
            /** @description Link to put the only image to. */
            r2_upload: string | null;
            r2_uploads: string[];
            skipped: components["schemas"]["NoValidRequestFoundStable"];
            /** @description Source image: URL or base64. */
            source_image: string | null;
            /** @description Mask: URL or base64. */
            source_mask: string | null;
            /**
             * @description What to do with the source image.
             * @default img2img
             * @example img2img
             * @enum {string}
             */
            source_processing: "img2img" | "inpainting" | "outpainting" | "remix";
            /** @description Seconds that the worker has for it. */
            ttl: number | null;
        };
        GenerationStable: components["schemas"]["Generation"] & {
            /** @description The worker censored it. */
            censored: boolean;
            gen_metadata: components["schemas"]["GenerationMetadataStable"][];
            /** @description Id of the image. */
            id: string;
            /** @description The image as WebP: a link, or base64 when the request says r2 false. */
            img: string;
            /** @description Seed of the image. */
            seed: string;
        };
        GenerationSubmitted: {
            /**
             * @description Kudos that the worker earned by the job.
             * @example 12.5
             */
            reward: number;
        };
        HordeDocument: {
            /** @description The document as HTML, when that was asked for. */
            html?: string;
            /** @description The document as Markdown, when that was asked for. */
            markdown?: string;
        };
        HordeModes: {
            /** @description New workers need an invitation. */
            invite_only_mode?: boolean;
            /** @description No requests are taken. */
            maintenance_mode?: boolean;
            /** @description The horde defends itself; for moderators. */
            raid_mode?: boolean;
        };
        HordePerformance: {
            /** @description Alchemists that are online. */
            interrogator_count: number;
            /** @description Threads of the alchemists. */
            interrogator_thread_count: number;
            /** @description Megapixelsteps generated in the last minute. */
            past_minute_megapixelsteps: number;
            /** @description Tokens generated in the last minute. */
            past_minute_tokens: number;
            /** @description Forms of alchemy that wait. */
            queued_forms: number;
            /** @description Megapixelsteps that wait. */
            queued_megapixelsteps: number;
            /** @description Images that wait or are generated. */
            queued_requests: number;
            /** @description Text generations that wait or are under way. */
            queued_text_requests: number;
            /** @description Tokens that wait. */
            queued_tokens: number;
            /** @description Threads of the text workers. */
            text_thread_count: number;
            /** @description Text workers that are online. */
            text_worker_count: number;
            /** @description Threads of the image workers. */
            thread_count: number;
            /** @description Image workers that are online. */
            worker_count: number;
        };
        IPTimeout: {
            /**
             * @description Address or range that is kept out.
             * @example 203.0.113.7
             */
            ipaddr: string;
            /**
             * @description Seconds that it is kept out for yet.
             * @example 3600
             */
            seconds: number;
        };
        ImgModelStats: {
            /** @description Images of the last day, by model. */
            day: Record<string, never>;
            /** @description Images of the last 30 days, by model. */
            month: Record<string, never>;
            /** @description Images ever, by model. */
            total: Record<string, never>;
        };
        /**
         * @example {
         *       "info": "Styles for sea and shore.",
         *       "name": "seaside",
         *       "styles": [
         *         "watercolour"
         *       ]
         *     }
         */
        InputModelCollection: {
            /** @description What the collection is about. */
            info?: string;
            /** @description Name of the collection; one of its owner's has it. */
            name?: string;
            /**
             * @description The collection is in the public list.
             * @default true
             */
            public: boolean;
            styles?: string[];
        };
        /**
         * @example {
         *       "primary": true,
         *       "url": "https://example.org/lighthouse.webp"
         *     }
         */
        InputStyleExamplePost: {
            /** @description This example stands for the style. */
            primary?: boolean;
            /** @description https address of the picture. */
            url?: string;
        };
        InterrogationFormResult: {
            "*"?: {
                [key: string]: Record<string, never>;
            };
        };
        InterrogationFormStatus: {
            /** @description Name of the form. */
            form: string;
            result?: components["schemas"]["InterrogationFormResult"];
            /** @description waiting, processing, done, cancelled or faulted. */
            state: string;
        };
        InterrogationPopFormPayload: {
            /**
             * @description What to do with the image.
             * @example caption
             * @enum {string}
             */
            form: "caption" | "interrogation" | "nsfw" | "vectorize" | "palette" | "describe" | "aesthetic" | "GFPGAN" | "RealESRGAN_x4plus" | "RealESRGAN_x2plus" | "RealESRGAN_x4plus_anime_6B" | "NMKD_Siax" | "4x_AnimeSharp" | "CodeFormers" | "strip_background" | "4xNomos8kSC" | "4xLSDIRplus" | "4xNomosWebPhoto_RealPLKSR" | "4xNomos2_realplksr_dysample" | "4xNomos2_hq_dat2" | "2xModernSpanimationV1" | "GFPGANv1.3" | "RestoreFormer";
            /** @description Id of the form. */
            id: string;
            payload?: components["schemas"]["ModelInterrogationFormPayloadStable"];
            /** @description Link to put the result to, of forms that make an image. */
            r2_upload?: string;
            /** @description Link to the image. */
            source_image: string;
        };
        /**
         * @example {
         *       "bridge_agent": "My Worker:1:https://example.org/my-worker",
         *       "forms": [
         *         "caption"
         *       ],
         *       "max_tiles": 16,
         *       "name": "my first alchemist"
         *     }
         */
        InterrogationPopInput: {
            /**
             * @description Most forms to hand out.
             * @default 1
             */
            amount: number;
            /**
             * @description Software of the worker: name:version:url.
             * @default unknown
             */
            bridge_agent: string;
            forms?: ("caption" | "interrogation" | "nsfw" | "vectorize" | "palette" | "describe" | "aesthetic" | "GFPGAN" | "RealESRGAN_x4plus" | "RealESRGAN_x2plus" | "RealESRGAN_x4plus_anime_6B" | "NMKD_Siax" | "4x_AnimeSharp" | "CodeFormers" | "strip_background" | "4xNomos8kSC" | "4xLSDIRplus" | "4xNomosWebPhoto_RealPLKSR" | "4xNomos2_realplksr_dysample" | "4xNomos2_hq_dat2" | "2xModernSpanimationV1" | "GFPGANv1.3" | "RestoreFormer")[];
            /**
             * @description Most tiles of 512×512 pixels that a picture may have.
             * @default 16
             */
            max_tiles: number;
            /** @description Name of the worker. */
            name?: string;
            priority_usernames?: string[];
            /**
             * @description Forms that the worker fills in at the same time.
             * @default 1
             */
            threads: number;
        };
        InterrogationPopPayload: {
            /** @description The forms to fill in; null when there are none. */
            forms: components["schemas"]["InterrogationPopFormPayload"][];
            skipped: components["schemas"]["NoValidInterrogationsFound"];
        };
        InterrogationStatus: {
            forms: components["schemas"]["InterrogationFormStatus"][];
            /** @description waiting, processing, partial, done or faulted. */
            state: string;
        };
        KudosAwarded: {
            /**
             * @description Kudos awarded.
             * @example 100
             */
            awarded: number;
        };
        KudosTransferred: {
            /**
             * @description Kudos given.
             * @example 100
             */
            transferred: number;
        };
        ModelGenerationInputKobold: components["schemas"]["ModelPayloadRootKobold"] & Record<string, never>;
        ModelGenerationInputStable: components["schemas"]["ModelPayloadRootStable"] & {
            /**
             * @description Number of pictures.
             * @default 1
             */
            n: number;
            /**
             * @description Sampling steps.
             * @default 30
             */
            steps: number;
        };
        ModelInterrogationFormPayloadStable: {
            "*"?: {
                [key: string]: string;
            };
        };
        ModelInterrogationFormStable: {
            /**
             * @description What to do with the image.
             * @example caption
             * @enum {string}
             */
            name: "caption" | "interrogation" | "nsfw" | "vectorize" | "palette" | "describe" | "aesthetic" | "GFPGAN" | "RealESRGAN_x4plus" | "RealESRGAN_x2plus" | "RealESRGAN_x4plus_anime_6B" | "NMKD_Siax" | "4x_AnimeSharp" | "CodeFormers" | "strip_background" | "4xNomos8kSC" | "4xLSDIRplus" | "4xNomosWebPhoto_RealPLKSR" | "4xNomos2_realplksr_dysample" | "4xNomos2_hq_dat2" | "2xModernSpanimationV1" | "GFPGANv1.3" | "RestoreFormer";
            payload?: components["schemas"]["ModelInterrogationFormPayloadStable"];
        };
        /**
         * @example {
         *       "forms": [
         *         {
         *           "name": "caption"
         *         }
         *       ],
         *       "source_image": "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PQQkAAAgEsMtjOAOZ1gi+hcEKLNXzWgQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQELgs6SCEe5juB1QAAAABJRU5ErkJggg=="
         *     }
         */
        ModelInterrogationInputStable: {
            forms?: components["schemas"]["ModelInterrogationFormStable"][];
            /**
             * @description Slow workers may serve it.
             * @default true
             */
            slow_workers: boolean;
            /** @description The picture: base64 or URL. */
            source_image?: string;
            /** @description https URL that is called with every finished form. */
            webhook?: string;
        };
        ModelPayloadKobold: components["schemas"]["ModelPayloadRootKobold"] & {
            /** @description What the text continues or answers. */
            prompt?: string;
        };
        ModelPayloadLorasStable: {
            /**
             * @description Strength on the text encoder.
             * @default 1
             */
            clip: number;
            /** @description Add the trigger word most like this; any: the first. */
            inject_trigger?: string;
            /**
             * @description The name is a version id.
             * @default false
             */
            is_version: boolean;
            /**
             * @description Strength on the model.
             * @default 1
             */
            model: number;
            /** @description CivitAI name or id; with is_version the version id. */
            name: string;
        };
        ModelPayloadRootKobold: components["schemas"]["ModelPayloadStyleKobold"] & {
            /**
             * @description Most tokens that the model looks at.
             * @default 2048
             */
            max_context_length: number;
            /**
             * @description Most tokens that it writes.
             * @default 80
             */
            max_length: number;
            /** @description Number of texts. */
            n?: number;
        };
        ModelPayloadRootStable: components["schemas"]["ModelPayloadStyleStable"] & {
            /**
             * @description ControlNet to use with the source image.
             * @enum {string}
             */
            control_type?: "canny" | "hed" | "depth" | "normal" | "openpose" | "seg" | "scribble" | "fakescribbles" | "hough";
            extra_texts?: components["schemas"]["ExtraText"][];
            /**
             * @description The source image is a control map already.
             * @default false
             */
            image_is_control: boolean;
            /**
             * @description The result is the control map.
             * @default false
             */
            return_control_map: boolean;
            /** @description Seed: a number or any text. Empty means random. */
            seed?: string;
            /** @description Step from the seed of one picture to the next. */
            seed_variation?: number;
        };
        ModelPayloadStable: components["schemas"]["ModelPayloadRootStable"] & {
            /**
             * @description Sampling steps.
             * @default 30
             */
            ddim_steps: number;
            /**
             * @description Number of images.
             * @default 1
             */
            n_iter: number;
            /** @description What to generate. */
            prompt?: string;
            /** @description Censor adult images. */
            use_nsfw_censor?: boolean;
        };
        ModelPayloadStyleKobold: {
            /**
             * @description Exponent of a dynamic temperature.
             * @default 1
             */
            dynatemp_exponent: number;
            /**
             * @description Range of a dynamic temperature.
             * @default 0
             */
            dynatemp_range: number;
            /** @description A leading space where the prompt ends without one. */
            frmtadsnsp?: boolean;
            /** @description Runs of newlines become one. */
            frmtrmblln?: boolean;
            /** @description The text without #/@%}{+=~|\^<>. */
            frmtrmspch?: boolean;
            /** @description No half sentence at the end. */
            frmttriminc?: boolean;
            /**
             * @description Min-p sampling.
             * @default 0
             */
            min_p: number;
            /** @description Penalty of repetitions. */
            rep_pen?: number;
            /** @description Tokens that the penalty looks at. */
            rep_pen_range?: number;
            /** @description Slope of the penalty. */
            rep_pen_slope?: number;
            sampler_order?: number[];
            /** @description Only the first line. */
            singleline?: boolean;
            /**
             * @description Quadratic sampling.
             * @default 0
             */
            smoothing_factor: number;
            stop_sequence?: string[];
            /** @description How daring the choice of tokens is. */
            temperature?: number;
            /** @description Tail free sampling. */
            tfs?: number;
            /** @description Top-a sampling. */
            top_a?: number;
            /** @description Top-k sampling. */
            top_k?: number;
            /** @description Top-p sampling. */
            top_p?: number;
            /** @description Typical sampling. */
            typical?: number;
            /** @description The model's usual list of tokens that are never chosen. */
            use_default_badwordsids?: boolean;
        };
        ModelPayloadStyleStable: {
            /**
             * @description How closely to follow the prompt; two decimals.
             * @default 7.5
             */
            cfg_scale: number;
            /** @description Layers of the text encoder to leave out. */
            clip_skip?: number;
            /** @description How far to go from the source image. */
            denoising_strength?: number;
            /** @description Strength of face post-processors. */
            facefixer_strength?: number;
            /**
             * @description Height in pixels.
             * @default 512
             */
            height: number;
            /**
             * @description Paint small, enlarge, paint again.
             * @default false
             */
            hires_fix: boolean;
            /** @description The same for the second pass of hires_fix. */
            hires_fix_denoising_strength?: number;
            /**
             * @description Karras noise schedule.
             * @default false
             */
            karras: boolean;
            loras?: components["schemas"]["ModelPayloadLorasStable"][];
            post_processing?: ("GFPGAN" | "RealESRGAN_x4plus" | "RealESRGAN_x2plus" | "RealESRGAN_x4plus_anime_6B" | "NMKD_Siax" | "4x_AnimeSharp" | "CodeFormers" | "strip_background" | "4xNomos8kSC" | "4xLSDIRplus" | "4xNomosWebPhoto_RealPLKSR" | "4xNomos2_realplksr_dysample" | "4xNomos2_hq_dat2" | "2xModernSpanimationV1" | "GFPGANv1.3" | "RestoreFormer")[];
            /**
             * @description Sampler.
             * @default k_euler_a
             * @enum {string}
             */
            sampler_name: "k_lms" | "k_heun" | "k_euler" | "k_euler_a" | "k_dpm_2" | "k_dpm_2_a" | "k_dpm_fast" | "k_dpm_adaptive" | "k_dpmpp_2s_a" | "k_dpmpp_2m" | "dpmsolver" | "k_dpmpp_sde" | "DDIM" | "lcm";
            special?: components["schemas"]["ModelSpecialPayloadStable"];
            /**
             * @description The picture can be laid side by side without seams.
             * @default false
             */
            tiling: boolean;
            tis?: components["schemas"]["ModelPayloadTextualInversionsStable"][];
            /**
             * @description A picture without background.
             * @default false
             */
            transparent: boolean;
            /**
             * @description Width in pixels.
             * @default 512
             */
            width: number;
            /**
             * @description Workflow to use instead of the usual one.
             * @enum {string}
             */
            workflow?: "qr_code";
        };
        ModelPayloadTextualInversionsStable: {
            /**
             * @description Where the server adds it by itself.
             * @enum {string}
             */
            inject_ti?: "prompt" | "negprompt";
            /** @description CivitAI name or id. */
            name: string;
            /**
             * @description Weight, where it is added.
             * @default 1
             */
            strength: number;
        };
        ModelSpecialPayloadStable: {
            "*"?: {
                [key: string]: Record<string, never>;
            };
        };
        /**
         * @example {
         *       "info": "Tells it as a ship's log.",
         *       "models": [
         *         "koboldcpp/tiny"
         *       ],
         *       "name": "logbook",
         *       "params": {
         *         "temperature": 0.7
         *       },
         *       "prompt": "Ship's log. {p}"
         *     }
         */
        ModelStyleInputKobold: {
            /** @description What the style is like. */
            info?: string;
            models?: string[];
            /** @description Name of the style; one of its owner's has it. */
            name: string;
            /**
             * @description The style is meant for adult results.
             * @default false
             */
            nsfw: boolean;
            params?: components["schemas"]["ModelStyleInputParamsKobold"];
            /**
             * @description Template of the prompt: {p} is where the client's goes.
             * @default {p}
             */
            prompt: string;
            /**
             * @description The style is in the public list.
             * @default true
             */
            public: boolean;
            tags?: string[];
        };
        ModelStyleInputParamsKobold: components["schemas"]["ModelPayloadStyleKobold"] & Record<string, never>;
        ModelStyleInputParamsStable: components["schemas"]["ModelStyleInputParamsStableNoDefaults"] & {
            /** @description Sampling steps. */
            steps?: number;
        };
        ModelStyleInputParamsStableNoDefaults: {
            /** @description How closely to follow the prompt; two decimals. */
            cfg_scale?: number;
            /** @description Layers of the text encoder to leave out. */
            clip_skip?: number;
            /** @description How far to go from the source image. */
            denoising_strength?: number;
            /** @description Strength of face post-processors. */
            facefixer_strength?: number;
            /** @description Height in pixels. */
            height?: number;
            /** @description Paint small, enlarge, paint again. */
            hires_fix?: boolean;
            /** @description The same for the second pass of hires_fix. */
            hires_fix_denoising_strength?: number;
            /** @description Karras noise schedule. */
            karras?: boolean;
            loras?: components["schemas"]["ModelPayloadLorasStable"][];
            post_processing?: ("GFPGAN" | "RealESRGAN_x4plus" | "RealESRGAN_x2plus" | "RealESRGAN_x4plus_anime_6B" | "NMKD_Siax" | "4x_AnimeSharp" | "CodeFormers" | "strip_background" | "4xNomos8kSC" | "4xLSDIRplus" | "4xNomosWebPhoto_RealPLKSR" | "4xNomos2_realplksr_dysample" | "4xNomos2_hq_dat2" | "2xModernSpanimationV1" | "GFPGANv1.3" | "RestoreFormer")[];
            /**
             * @description Sampler.
             * @enum {string}
             */
            sampler_name?: "k_lms" | "k_heun" | "k_euler" | "k_euler_a" | "k_dpm_2" | "k_dpm_2_a" | "k_dpm_fast" | "k_dpm_adaptive" | "k_dpmpp_2s_a" | "k_dpmpp_2m" | "dpmsolver" | "k_dpmpp_sde" | "DDIM" | "lcm";
            special?: components["schemas"]["ModelSpecialPayloadStable"];
            /** @description The picture can be laid side by side without seams. */
            tiling?: boolean;
            tis?: components["schemas"]["ModelPayloadTextualInversionsStable"][];
            /** @description A picture without background. */
            transparent?: boolean;
            /** @description Width in pixels. */
            width?: number;
            /**
             * @description Workflow to use instead of the usual one.
             * @enum {string}
             */
            workflow?: "qr_code";
        };
        /**
         * @example {
         *       "info": "Soft colours on wet paper.",
         *       "models": [
         *         "stable_diffusion"
         *       ],
         *       "name": "watercolour",
         *       "params": {
         *         "cfg_scale": 6,
         *         "steps": 25
         *       },
         *       "prompt": "{p}, watercolour on paper{np}",
         *       "tags": [
         *         "painting"
         *       ]
         *     }
         */
        ModelStyleInputStable: {
            /** @description What the style is like. */
            info?: string;
            models?: string[];
            /** @description Name of the style; one of its owner's has it. */
            name: string;
            /**
             * @description The style is meant for adult results.
             * @default false
             */
            nsfw: boolean;
            params?: components["schemas"]["ModelStyleInputParamsStable"];
            /**
             * @description Template of the prompt: {p} is where the client's goes, {np} where its negative part goes.
             * @default {p}{np}
             */
            prompt: string;
            /**
             * @description The style is in the public list.
             * @default true
             */
            public: boolean;
            /** @description Id of a shared key that pays for the style's requests. */
            sharedkey?: string;
            tags?: string[];
        };
        /**
         * @example {
         *       "info": "Tells it as a ship's log, briefly."
         *     }
         */
        ModelStylePatchKobold: {
            /** @description What the style is like. */
            info?: string;
            models?: string[];
            /** @description Name of the style; one of its owner's has it. */
            name?: string;
            /**
             * @description The style is meant for adult results.
             * @default false
             */
            nsfw: boolean;
            params?: components["schemas"]["ModelStyleInputParamsKobold"];
            /** @description Template of the prompt: {p} is where the client's goes. */
            prompt?: string;
            /**
             * @description The style is in the public list.
             * @default true
             */
            public: boolean;
            tags?: string[];
        };
        /**
         * @example {
         *       "info": "Soft colours on wet paper, with white left."
         *     }
         */
        ModelStylePatchStable: {
            /** @description What the style is like. */
            info?: string;
            models?: string[];
            /** @description Name of the style; one of its owner's has it. */
            name?: string;
            /**
             * @description The style is meant for adult results.
             * @default false
             */
            nsfw: boolean;
            params?: components["schemas"]["ModelStyleInputParamsStable"];
            /** @description Template of the prompt: {p} is where the client's goes, {np} where its negative part goes. */
            prompt?: string;
            /**
             * @description The style is in the public list.
             * @default true
             */
            public: boolean;
            /** @description Id of a shared key that pays for the style's requests. */
            sharedkey?: string;
            tags?: string[];
        };
        ModifyTeam: {
            /** @description Id of the new team. */
            id?: string;
            /** @description The words about it that were set. */
            info?: string;
            /** @description The name that was set. */
            name?: string;
        };
        /**
         * @example {
         *       "info": "We keep the light on, day and night."
         *     }
         */
        ModifyTeamInput: {
            /** @description What others should know of the team. */
            info?: string;
            /** @description Name of the team; no other has it, in whatever case. */
            name?: string;
        };
        ModifyUser: {
            /** @description Remark of the moderators. */
            admin_comment?: string;
            /** @description Jobs that may wait now. */
            concurrency?: number;
            /** @description The contact that was set. */
            contact?: string;
            /** @description May offer models outside the reference. */
            customizer?: boolean;
            /** @description Belongs to a school. */
            education?: boolean;
            /** @description Can neither move kudos nor run workers. */
            flagged?: boolean;
            /** @description Moderates this horde. */
            moderator?: boolean;
            /** @description The monthly allowance now. */
            monthly_kudos?: number;
            /** @description The balance now. */
            new_kudos?: number;
            /** @description Suspicions that are left. */
            new_suspicion?: number;
            /** @description The new passkey for the proxy of a service. */
            proxy_passkey?: string;
            /** @description Everybody sees whose the workers are. */
            public_workers?: boolean;
            /** @description Asks for others. */
            service?: boolean;
            /** @description May use special models. */
            special?: boolean;
            /** @description The workers are trusted. */
            trusted?: boolean;
            /** @description The deletion was taken back. */
            undeleted?: boolean;
            /** @description What recorded usage is scaled by. */
            usage_multiplier?: number;
            /** @description The name that was set. */
            username?: string;
            /** @description The workers may call from a VPN. */
            vpn?: boolean;
            /** @description Workers that may be added by invitation. */
            worker_invited?: number;
        };
        /**
         * @example {
         *       "username": "maria"
         *     }
         */
        ModifyUserInput: {
            /** @description Remark of the moderators. */
            admin_comment?: string;
            /** @description Jobs that the user may have waiting. */
            concurrency?: number;
            /** @description How moderators reach the user. */
            contact?: string;
            /** @description The user's workers may offer models outside the reference. */
            customizer?: boolean;
            /** @description The account belongs to a school. */
            education?: boolean;
            /** @description Obsolete, without effect. */
            filtered?: boolean;
            /** @description The user can neither move kudos nor run workers. */
            flagged?: boolean;
            /**
             * @description Make a new passkey for the proxy of a service.
             * @default false
             */
            generate_proxy_passkey: boolean;
            /** @description Kudos to add, or with a minus to take away. */
            kudos?: number;
            /** @description The user may moderate this horde. Moderators are trusted too. */
            moderator?: boolean;
            /** @description Kudos to add to the monthly allowance; what is added is paid at once too. */
            monthly_kudos?: number;
            /** @description Everybody sees whose the user's workers are. */
            public_workers?: boolean;
            /** @description Forget all suspicions against the user and the user's workers. */
            reset_suspicion?: boolean;
            /** @description The account is a service that asks for others. */
            service?: boolean;
            /** @description The user may host and use special models. */
            special?: boolean;
            /** @description The user's workers are trusted and earn all they can spend at once. */
            trusted?: boolean;
            /** @description Take back the deletion of the account. */
            undelete?: boolean;
            /** @description Scales the recorded usage. */
            usage_multiplier?: number;
            /** @description Name that others see, at most 30 characters. */
            username?: string;
            /** @description The user's workers may call from a VPN. */
            vpn?: boolean;
            /** @description Workers that the user may add while workers need an invitation. */
            worker_invited?: number;
        };
        ModifyWorker: {
            /** @description The words about it that were set. */
            info?: string;
            /** @description It only serves its owner. */
            maintenance?: boolean;
            /** @description The name that was set. */
            name?: string;
            /** @description It gets no requests of others. */
            paused?: boolean;
            /** @description Name of the team that it joined; None when it left. */
            team?: string;
        };
        /**
         * @example {
         *       "maintenance": true,
         *       "maintenance_msg": "Back at eight."
         *     }
         */
        ModifyWorkerInput: {
            /** @description What others should know of the worker. */
            info?: string;
            /** @description The worker only gets requests of its owner. */
            maintenance?: boolean;
            /** @description What the worker hears in place of a job; with maintenance only. */
            maintenance_msg?: string;
            /** @description Name of the worker. */
            name?: string;
            /** @description The worker gets no real requests of others. For moderators. */
            paused?: boolean;
            /** @description Id of the team that the worker works for; empty for none. */
            team?: string;
        };
        MonthlyKudos: {
            /** @description Kudos given each month. */
            amount: number;
            /**
             * Format: date-time
             * @description When they were given last.
             */
            last_received?: string;
        };
        Newspiece: {
            /** @description Day of the news: YYYY-MM-DD. */
            date_published: string;
            /** @description How important it is, in a word. */
            importance: string;
            more_info_urls: string[];
            /** @description The news, in Markdown. */
            newspiece: string;
            tags: string[];
            /** @description Headline. */
            title: string;
        };
        NoValidInterrogationsFound: {
            /** @description For newer worker software. */
            bridge_version?: number;
            /** @description For trusted workers. */
            untrusted?: number;
            /** @description For other workers. */
            worker_id?: number;
        };
        NoValidRequestFound: {
            /** @description With words that the worker does not want. */
            blacklist?: number;
            /** @description For newer worker software. */
            bridge_version?: number;
            /** @description Of users who cannot pay now. */
            kudos?: number;
            /** @description For models that the worker does not offer. */
            models?: number;
            /** @description Adult requests. */
            nsfw?: number;
            /** @description For faster workers. */
            performance?: number;
            /** @description For trusted workers. */
            untrusted?: number;
            /** @description For other workers. */
            worker_id?: number;
        };
        NoValidRequestFoundKobold: components["schemas"]["NoValidRequestFound"] & {
            /** @description With a softprompt that the worker lacks. */
            matching_softprompt?: number;
            /** @description A longer context than the worker takes. */
            max_context_length?: number;
            /** @description Longer than the worker generates. */
            max_length?: number;
        };
        NoValidRequestFoundStable: components["schemas"]["NoValidRequestFound"] & {
            /** @description With ControlNet. */
            controlnet?: number;
            /** @description With a source image. */
            img2img?: number;
            /** @description With LoRAs. */
            lora?: number;
            /** @description Larger than the worker takes. */
            max_pixels?: number;
            /** @description In- and outpainting. */
            painting?: number;
            /** @description With post-processing. */
            "post-processing"?: number;
            /** @description More steps than the worker takes. */
            step_count?: number;
            /** @description From unsafe addresses. */
            unsafe_ip?: number;
        };
        /**
         * @example {
         *       "description": "A word that few should say."
         *     }
         */
        PatchExistingFilter: {
            /** @description What the pattern is meant to catch. */
            description?: string;
            /** @description What the pattern is for. */
            filter_type?: number;
            /** @description The pattern. */
            regex?: string;
            /**
             * @description What takes the place of a match.
             * @default
             */
            replacement: string;
        };
        PopInput: {
            /**
             * @description Most jobs of one request to hand out.
             * @default 1
             */
            amount: number;
            /**
             * @description Software of the worker: name:version:url.
             * @default unknown:0:unknown
             */
            bridge_agent: string;
            /**
             * @description The worker is very slow; only requests that allow it are handed out.
             * @default true
             */
            extra_slow_worker: boolean;
            models?: string[];
            /** @description Name of the worker. */
            name?: string;
            /**
             * @description Adult requests are wanted.
             * @default false
             */
            nsfw: boolean;
            priority_usernames?: string[];
            /**
             * @description Only requests of users who can pay them now.
             * @default false
             */
            require_upfront_kudos: boolean;
            /**
             * @description Jobs that the worker does at the same time.
             * @default 1
             */
            threads: number;
        };
        /**
         * @example {
         *       "bridge_agent": "My Worker:1:https://example.org/my-worker",
         *       "max_context_length": 2048,
         *       "max_length": 512,
         *       "models": [
         *         "koboldcpp/tiny"
         *       ],
         *       "name": "my first scribe"
         *     }
         */
        PopInputKobold: components["schemas"]["PopInput"] & {
            /**
             * @description Most tokens that its model looks at.
             * @default 2048
             */
            max_context_length: number;
            /**
             * @description Most tokens that the worker writes.
             * @default 512
             */
            max_length: number;
            softprompts?: string[];
        };
        /**
         * @example {
         *       "bridge_agent": "My Worker:1:https://example.org/my-worker",
         *       "max_pixels": 589824,
         *       "models": [
         *         "stable_diffusion"
         *       ],
         *       "name": "my first dreamer",
         *       "threads": 1
         *     }
         */
        PopInputStable: components["schemas"]["PopInput"] & {
            /**
             * @description ControlNet is wanted.
             * @default true
             */
            allow_controlnet: boolean;
            /**
             * @description Requests with a source image are wanted.
             * @default true
             */
            allow_img2img: boolean;
            /**
             * @description LoRAs are wanted.
             * @default true
             */
            allow_lora: boolean;
            /**
             * @description In- and outpainting is wanted.
             * @default true
             */
            allow_painting: boolean;
            /**
             * @description Post-processing is wanted.
             * @default true
             */
            allow_post_processing: boolean;
            /**
             * @description ControlNet with SDXL is wanted.
             * @default true
             */
            allow_sdxl_controlnet: boolean;
            /**
             * @description Requests with a source image from unsafe addresses are wanted.
             * @default true
             */
            allow_unsafe_ipaddr: boolean;
            blacklist?: string[];
            /**
             * @description Requests with more steps than usual for the model are not wanted.
             * @default true
             */
            limit_max_steps: boolean;
            /**
             * @description Most pixels of a picture (width × height).
             * @default 262144
             */
            max_pixels: number;
        };
        /**
         * @example {
         *       "description": "A word that nobody should say.",
         *       "filter_type": 20,
         *       "regex": "forbidd?en"
         *     }
         */
        PutNewFilter: {
            /** @description What the pattern is meant to catch. */
            description?: string;
            /** @description What the pattern is for: 10, 11 and 20 are in use. */
            filter_type: number;
            /** @description The pattern, as Python's module regex writes it. Case does not matter. */
            regex: string;
            /**
             * @description What takes the place of a match when a prompt is rewritten; of type 10 only.
             * @default
             */
            replacement: string;
        };
        RequestAsync: {
            /** @description Id of the request: ask with it how far it is. */
            id: string;
            /** @description What the request will cost, as far as that is known. */
            kudos: number;
            /** @description Something that the caller should know. */
            message?: string;
            /** @description What may not come out as expected. */
            warnings?: components["schemas"]["RequestSingleWarning"][];
        };
        RequestError: {
            /** @description What is wrong, and what to do about it. */
            message?: string;
            /**
             * @description Code of the refusal, for programs.
             * @example KudosUpfront
             * @enum {string}
             */
            rc: "MissingPrompt" | "CorruptPrompt" | "KudosValidationError" | "NoValidActions" | "InvalidSize" | "InvalidPromptSize" | "TooManySteps" | "Profanity" | "ProfaneWorkerName" | "ProfaneBridgeAgent" | "ProfaneWorkerInfo" | "ProfaneUserName" | "ProfaneUserContact" | "ProfaneAdminComment" | "ProfaneTeamName" | "ProfaneTeamInfo" | "TooLong" | "TooLongWorkerName" | "TooLongUserName" | "NameAlreadyExists" | "WorkerNameAlreadyExists" | "TeamNameAlreadyExists" | "PolymorphicNameConflict" | "ImageValidationFailed" | "SourceImageResolutionExceeded" | "SourceImageSizeExceeded" | "SourceImageUrlInvalid" | "SourceImageUnreadable" | "InpaintingMissingMask" | "SourceMaskUnnecessary" | "UnsupportedSampler" | "UnsupportedModel" | "ControlNetUnsupported" | "ControlNetSourceMissing" | "ControlNetInvalidPayload" | "SourceImageRequiredForModel" | "UnexpectedModelName" | "TooManyUpscalers" | "ProcGenNotFound" | "InvalidAestheticAttempt" | "AestheticsNotCompleted" | "AestheticsNotPublic" | "AestheticsDuplicate" | "AestheticsMissing" | "AestheticsSolo" | "AestheticsConfused" | "AestheticsAlreadyExist" | "AestheticsServerRejected" | "AestheticsServerError" | "AestheticsServerDown" | "AestheticsServerTimeout" | "InvalidAPIKey" | "WrongCredentials" | "NotAdmin" | "NotModerator" | "NotOwner" | "NotPrivileged" | "AnonForbidden" | "AnonForbiddenWorker" | "AnonForbiddenUserMod" | "NotTrusted" | "UntrustedTeamCreation" | "UntrustedUnsafeIP" | "WorkerMaintenance" | "WorkerFlaggedMaintenance" | "TooManySameIPs" | "WorkerInviteOnly" | "UnsafeIP" | "TimeoutIP" | "TooManyNewIPs" | "KudosUpfront" | "SharedKeyInvalid" | "SharedKeyEmpty" | "SharedKeyExpired" | "SharedKeyInsufficientKudos" | "SharedKeyAssignedStyles" | "InvalidJobID" | "RequestNotFound" | "WorkerNotFound" | "TeamNotFound" | "FilterNotFound" | "UserNotFound" | "DuplicateGen" | "AbortedGen" | "RequestExpired" | "TooManyPrompts" | "NoValidWorkers" | "MaintenanceMode" | "TargetAccountFlagged" | "SourceAccountFlagged" | "FaultWhenKudosReceiving" | "FaultWhenKudosSending" | "TooFastKudosTransfers" | "KudosTransferToAnon" | "KudosTransferToSelf" | "KudosTransferNotEnough" | "NegativeKudosTransfer" | "KudosTransferFromAnon" | "InvalidAwardUsername" | "KudosAwardToAnon" | "NotAllowedAwards" | "NoWorkerModSelected" | "NoUserModSelected" | "NoHordeModSelected" | "NoTeamModSelected" | "NoFilterModSelected" | "NoSharedKeyModSelected" | "BadRequest" | "Forbidden" | "Locked" | "ControlNetMismatch" | "HiResFixMismatch" | "TooManyLoras" | "BadLoraVersion" | "TooManyTIs" | "BetaAnonForbidden" | "BetaComparisonFault" | "BadCFGDecimals" | "BadCFGNumber" | "BadClientAgent" | "SpecialMissingPayload" | "SpecialForbidden" | "SpecialMissingUsername" | "SpecialModelNeedsSpecialUser" | "SpecialFieldNeedsSpecialUser" | "Img2ImgMismatch" | "TilingMismatch" | "EducationCannotSendKudos" | "InvalidPriorityUsername" | "OnlyServiceAccountProxy" | "RequiresTrust" | "InvalidRemixModel" | "InvalidExtraSourceImages" | "TooManyExtraSourceImages" | "MissingFullSamplerOrder" | "TooManyStopSequences" | "ExcessiveStopSequence" | "TokenOverflow" | "MoreThanMinExtraSourceImage" | "InvalidExtraTexts" | "MissingExtraTexts" | "InvalidTransparencyModel" | "InvalidTransparencyImg2Img" | "InvalidTransparencyCN" | "HiResMismatch" | "StylesAnonForbidden" | "StylePromptMissingVars" | "StylesRequiresCustomizer" | "StyleMismatch" | "StyleGetMistmatch" | "TooManyStyleExamples" | "ExampleURLAlreadyInUse" | "MessagesOnlyOwnWorkers" | "NotUserOrMod" | "CannotDeleteMod" | "UserNotDeleted" | "DeletedUser" | "CannotWipeActiveUser" | "NonServiceForbidden" | "NulByteInPayload";
        };
        RequestInterrogationResponse: {
            /** @description Id of the request. */
            id: string;
            /** @description Something that the caller should know. */
            message?: string;
        };
        RequestSingleWarning: {
            /**
             * @description What the warning is about.
             * @example StepsTooFew
             * @enum {string}
             */
            code: "NoAvailableWorker" | "ClipSkipMismatch" | "StepsTooFew" | "StepsTooMany" | "CfgScaleMismatch" | "CfgScaleTooSmall" | "CfgScaleTooLarge" | "SamplerMismatch" | "SchedulerMismatch";
            /** @description The warning in words. */
            message: string;
        };
        RequestStatusCheck: {
            /** @description Everything is finished: results can be fetched. */
            done: boolean;
            /**
             * @description The request failed and will not be finished.
             * @default false
             */
            faulted: boolean;
            /** @description Jobs that are finished. */
            finished: number;
            /**
             * @description A worker that is online now could serve it.
             * @default true
             */
            is_possible: boolean;
            /** @description Kudos charged so far. */
            kudos: number;
            /** @description Jobs that workers have in hand. */
            processing: number;
            /** @description Place in the queue; 0 when no job waits. */
            queue_position: number;
            /** @description Jobs that went back to the queue after a failure. */
            restarted: number;
            /** @description Seconds until it is likely to be finished. */
            wait_time: number;
            /** @description Jobs that wait for a worker. */
            waiting: number;
        };
        RequestStatusKobold: components["schemas"]["RequestStatusCheck"] & {
            /** @description The text generations that are there. */
            generations: components["schemas"]["GenerationKobold"][];
        };
        RequestStatusStable: components["schemas"]["RequestStatusCheck"] & {
            /** @description The images that are there. */
            generations: components["schemas"]["GenerationStable"][];
            /** @description The images are shared. */
            shared: boolean;
        };
        RequestValidationError: components["schemas"]["RequestError"] & {
            /** @description What is wrong with each member, by its path. */
            errors?: {
                [key: string]: string;
            };
        };
        ResponseModelCollection: {
            /** @description Id of the collection. */
            id: string;
            /** @description What the collection is about. */
            info: string;
            /** @description Name of the collection. */
            name: string;
            /**
             * @description The collection is in the public list.
             * @default true
             */
            public: boolean;
            styles: components["schemas"]["ResponseModelStylesShort"][];
            /**
             * @description What its styles are for.
             * @example image
             * @enum {string}
             */
            type: "image" | "text";
            /** @description How often it was used. */
            use_count: number;
        };
        /**
         * @example {
         *       "expiry": 24,
         *       "message": "Your worker needs an update.",
         *       "worker_id": "4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c"
         *     }
         */
        ResponseModelMessage: {
            /**
             * @description For how many hours it is told.
             * @default 12
             */
            expiry: number;
            /** @description What the worker is told. */
            message: string;
            /** @description Who says so; for moderators. */
            origin?: string;
            /** @description Id of the worker; without it all workers are told, which is for moderators. */
            worker_id?: string;
        };
        ResponseModelMessagePop: {
            /**
             * Format: date-time
             * @description Until when the message is told.
             */
            expiry: string;
            /**
             * @description Id of the message.
             * @example 4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c
             */
            id: string;
            /**
             * @description What the owner of the worker should read.
             * @example Your worker needs an update.
             */
            message: string;
            /**
             * @description Who says so.
             * @example moderators
             */
            origin: string;
        };
        ResponseModelStylesShort: {
            /**
             * @description Id of the style.
             * @example 4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c
             */
            id: string;
            /**
             * @description Full name of the style.
             * @example maria#42::style::watercolour
             */
            name: string;
        };
        ResponseModelStylesUser: components["schemas"]["ResponseModelStylesShort"] & {
            /**
             * @description What the style is for.
             * @example image
             * @enum {string}
             */
            type: "image" | "text";
        };
        SharedKeyDetails: {
            /**
             * Format: date-time
             * @description When it expires.
             */
            expiry?: string;
            /** @description Id, which is the key itself. */
            id: string;
            /** @description Kudos left to spend; -1 is no limit. */
            kudos: number;
            /** @description Most pixels of an image; -1 is no limit. */
            max_image_pixels: number;
            /** @description Most steps of an image; -1 is no limit. */
            max_image_steps: number;
            /** @description Most tokens of a text generation; -1 is no limit. */
            max_text_tokens: number;
            /** @description Name of the key. */
            name?: string;
            /** @description Whose kudos it spends: name#id. */
            username: string;
            /** @description Kudos spent so far. */
            utilized: number;
        };
        /**
         * @example {
         *       "expiry": 30,
         *       "kudos": 500,
         *       "max_image_pixels": 1048576,
         *       "max_image_steps": 50,
         *       "max_text_tokens": 200,
         *       "name": "for my class"
         *     }
         */
        SharedKeyInput: {
            /**
             * @description Days until the key expires; -1 is never.
             * @default -1
             */
            expiry: number;
            /**
             * @description Kudos that may be spent with the key; -1 is no limit.
             * @default 5000
             */
            kudos: number;
            /**
             * @description Most pixels of a picture; -1 is no limit.
             * @default -1
             */
            max_image_pixels: number;
            /**
             * @description Most steps of a picture; -1 is no limit.
             * @default -1
             */
            max_image_steps: number;
            /**
             * @description Most tokens of a text; -1 is no limit.
             * @default -1
             */
            max_text_tokens: number;
            /** @description Name of the key. */
            name?: string;
        };
        SimpleResponse: {
            /**
             * @description OK: it is done.
             * @default OK
             */
            message: string;
        };
        SinglePeriodImgStat: {
            /** @description Images that were delivered. */
            images: number;
            /** @description Pixelsteps of them: width × height × steps. */
            ps: number;
        };
        SinglePeriodTxtStat: {
            /** @description Text generations that were delivered. */
            requests: number;
            /** @description Tokens that they asked for. */
            tokens: number;
        };
        StatsImgTotals: {
            day: components["schemas"]["SinglePeriodImgStat"];
            hour: components["schemas"]["SinglePeriodImgStat"];
            minute: components["schemas"]["SinglePeriodImgStat"];
            month: components["schemas"]["SinglePeriodImgStat"];
            total: components["schemas"]["SinglePeriodImgStat"];
        };
        StatsTxtTotals: {
            day: components["schemas"]["SinglePeriodTxtStat"];
            hour: components["schemas"]["SinglePeriodTxtStat"];
            minute: components["schemas"]["SinglePeriodTxtStat"];
            month: components["schemas"]["SinglePeriodTxtStat"];
            total: components["schemas"]["SinglePeriodTxtStat"];
        };
        StyleExample: components["schemas"]["InputStyleExamplePost"] & {
            /**
             * @description Id of the example.
             * @example 4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c
             */
            id: string;
        };
        StyleKobold: components["schemas"]["ModelStyleInputKobold"] & {
            /**
             * @description Who made it: name#id.
             * @example maria#42
             */
            creator: string;
            /**
             * @description Id of the style.
             * @example 4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c
             */
            id: string;
            /** @description How often it was used. */
            use_count: number;
        };
        StyleModify: {
            /**
             * @description Id of what was made or changed.
             * @example 4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c
             */
            id: string;
            /** @description OK. */
            message: string;
            warnings?: components["schemas"]["RequestSingleWarning"][];
        };
        StyleStable: components["schemas"]["ModelStyleInputStable"] & {
            /**
             * @description Who made it: name#id.
             * @example maria#42
             */
            creator: string;
            examples: components["schemas"]["StyleExample"][];
            /**
             * @description Id of the style.
             * @example 4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c
             */
            id: string;
            shared_key?: components["schemas"]["SharedKeyDetails"];
            /** @description How often it was used. */
            use_count: number;
        };
        SubmitInput: {
            /** @description The text. */
            generation?: string;
            /** @description Id of the job. */
            id: string;
            /**
             * @description How the job ended.
             * @default ok
             * @enum {string}
             */
            state: "ok" | "censored" | "faulted" | "csam";
        };
        /**
         * @example {
         *       "generation": " lit the lamp once more.",
         *       "id": "4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c",
         *       "state": "ok"
         *     }
         */
        SubmitInputKobold: components["schemas"]["SubmitInput"] & {
            gen_metadata?: components["schemas"]["GenerationMetadataKobold"][];
        };
        /**
         * @example {
         *       "generation": "R2",
         *       "id": "4f0c1d9e-8a6b-4c37-9b52-0d1e2f3a4b5c",
         *       "seed": 1234,
         *       "state": "ok"
         *     }
         */
        SubmitInputStable: components["schemas"]["SubmitInput"] & {
            /**
             * @description Obsolete: use gen_metadata.
             * @default false
             */
            censored: boolean;
            gen_metadata?: components["schemas"]["GenerationMetadataStable"][];
            /** @description Seed that was used. */
            seed: number;
        };
        TeamDetails: components["schemas"]["TeamDetailsLite"] & {
            /**
             * @description Who made it: name#id.
             * @example maria#42
             */
            creator: string;
            /** @description What others should know of it. */
            info?: string;
            /** @description Kudos that they earned by them. */
            kudos: number;
            models: components["schemas"]["ActiveModelLite"][];
            /** @description Jobs that members finished while in the team. */
            requests_fulfilled: number;
            /** @description Seconds that members were there. */
            uptime: number;
            /** @description Members that it has. */
            worker_count: number;
            workers: components["schemas"]["WorkerDetailsLite"][];
        };
        TeamDetailsLite: {
            /** @description Id of the team; null for none. */
            id: string | null;
            /** @description Name of the team; null for none. */
            name: string | null;
        };
        TxtModelStats: {
            /** @description Text generations of the last day, by model. */
            day: Record<string, never>;
            /** @description Text generations of the last 30 days, by model. */
            month: Record<string, never>;
            /** @description Text generations ever, by model. */
            total: Record<string, never>;
        };
        UsageDetails: {
            /** @description Obsolete: see records. */
            megapixelsteps: number | null;
            /** @description Obsolete: see records. */
            requests: number | null;
        };
        UserActiveGenerations: {
            alchemy?: string[];
            image?: string[];
            text?: string[];
        };
        UserAmountRecords: {
            /**
             * @description Images.
             * @default 0
             */
            image: number;
            /**
             * @description Forms of alchemy.
             * @default 0
             */
            interrogation: number;
            /**
             * @description Text generations.
             * @default 0
             */
            text: number;
        };
        UserDetails: {
            /** @description Seconds since the account was made. */
            account_age: number;
            active_generations?: components["schemas"]["UserActiveGenerations"];
            /** @description Remark of the moderators, for them. */
            admin_comment?: string | null;
            /** @description Jobs that may wait at the same time. */
            concurrency: number;
            /**
             * @description How moderators reach the user; for moderators.
             * @example maria@example.org
             */
            contact?: string | null;
            contributions: components["schemas"]["ContributionsDetails"];
            /** @description The workers may offer models outside the reference. */
            customizer: boolean;
            /** @description The account is to be deleted. */
            deleted: boolean;
            /** @description Belongs to a school. */
            education: boolean;
            /** @description Kudos kept back until the user is trusted; for moderators. */
            evaluating_kudos?: number | null;
            /** @description Can neither move kudos nor run workers. */
            flagged: boolean;
            /** @description Number of the account. */
            id: number;
            /** @description Kudos that can be spent. */
            kudos: number;
            kudos_details: components["schemas"]["UserKudosDetails"];
            /** @description Moderates this horde. */
            moderator: boolean;
            monthly_kudos?: components["schemas"]["MonthlyKudos"];
            /** @description Passkey for the proxy of a service; for the user. */
            proxy_passkey?: string | null;
            /** @description The account was made without a login elsewhere. */
            pseudonymous: boolean;
            records: components["schemas"]["UserRecords"];
            /** @description Asks for others. */
            service: boolean;
            sharedkey_ids?: string[];
            /** @description May host and use special models. */
            special?: boolean | null;
            styles: components["schemas"]["ResponseModelStylesUser"][];
            /** @description Suspicions against the user; for moderators. */
            suspicious?: number | null;
            /** @description The user's workers are trusted. */
            trusted: boolean;
            usage: components["schemas"]["UsageDetails"];
            /** @description Name that others see: name#id. */
            username: string;
            /** @description The workers may call from a VPN; for moderators. */
            vpn?: boolean | null;
            /** @description Workers of the user. */
            worker_count: number;
            worker_ids?: string[];
            /** @description Workers that may be added while an invitation is needed. */
            worker_invited: number;
        };
        UserKudosDetails: {
            /**
             * @description Kudos earned, less those spent on requests.
             * @default 0
             */
            accumulated: number;
            /**
             * @description Kudos that administrators gave or took.
             * @default 0
             */
            admin: number;
            /**
             * @description Kudos awarded for something done outside.
             * @default 0
             */
            awarded: number;
            /**
             * @description Kudos given to schools; below 0.
             * @default 0
             */
            donated: number;
            /**
             * @description Kudos given to others; below 0.
             * @default 0
             */
            gifted: number;
            /**
             * @description Kudos that others gave.
             * @default 0
             */
            received: number;
            /**
             * @description Kudos given each month.
             * @default 0
             */
            recurring: number;
            /**
             * @description Kudos for the use of the user's styles.
             * @default 0
             */
            styled: number;
        };
        UserRecords: {
            contribution: components["schemas"]["UserThingRecords"];
            fulfillment: components["schemas"]["UserAmountRecords"];
            request: components["schemas"]["UserAmountRecords"];
            style: components["schemas"]["UserAmountRecords"];
            usage: components["schemas"]["UserThingRecords"];
        };
        UserThingRecords: {
            /**
             * @description Megapixelsteps of images.
             * @default 0
             */
            megapixelsteps: number;
            /**
             * @description Tokens of text generations.
             * @default 0
             */
            tokens: number;
        };
        WorkerDetails: components["schemas"]["WorkerDetailsLite"] & {
            /**
             * @description Software of the worker: name:version:url.
             * @default unknown:0:unknown
             * @example My Worker:1:https://example.org/my-worker
             */
            bridge_agent: string;
            /**
             * @description How its owner is reached; for moderators.
             * @example maria@example.org
             */
            contact?: string;
            /** @description It takes ControlNet. */
            controlnet?: boolean;
            /** @description Its owner is flagged. */
            flagged: boolean;
            forms?: string[];
            /** @description It takes source images. */
            img2img?: boolean;
            /** @description What others should know of it. */
            info?: string;
            /** @description Where it calls from; for moderators. */
            ipaddr?: string;
            kudos_details: components["schemas"]["WorkerKudosDetails"];
            /** @description Kudos that it earned. */
            kudos_rewards: number;
            /** @description It takes LoRAs. */
            lora?: boolean;
            /**
             * @description It only serves its owner.
             * @example false
             */
            maintenance_mode: boolean;
            /** @description Most tokens that it looks at. */
            max_context_length?: number;
            /** @description Most tokens that it generates. */
            max_length?: number;
            /** @description Most pixels of an image that it takes. */
            max_pixels?: number;
            /** @description Megapixelsteps that it generated. */
            megapixelsteps_generated?: number;
            messages?: components["schemas"]["ResponseModelMessage"][];
            models?: string[];
            /**
             * @description It takes adult requests.
             * @default false
             */
            nsfw: boolean;
            /** @description Whose it is: name#id, if that is public. */
            owner?: string;
            /** @description It takes in- and outpainting. */
            painting?: boolean;
            /** @description It gets no requests of others; for moderators. */
            paused?: boolean;
            /** @description How fast it is, in words. */
            performance: string;
            /** @description It takes post-processing. */
            "post-processing"?: boolean;
            /** @description Jobs that the worker finished. */
            requests_fulfilled: number;
            /** @description It takes ControlNet with SDXL. */
            sdxl_controlnet?: boolean;
            /** @description Suspicions against it; for moderators. */
            suspicious?: number;
            team: components["schemas"]["TeamDetailsLite"];
            /** @description Jobs that it does at the same time. */
            threads: number;
            /** @description Not sent: see requests_fulfilled. */
            tokens_generated?: number;
            /** @description Its owner is trusted. */
            trusted: boolean;
            /** @description Jobs that it took and did not finish. */
            uncompleted_jobs: number;
            /** @description Seconds that it was there. */
            uptime: number;
        };
        WorkerDetailsLite: {
            /** @description Its id. */
            id: string;
            /** @description Its name. */
            name: string;
            /** @description It was there within the last minutes. */
            online: boolean;
            /**
             * @description What it generates.
             * @example image
             * @enum {string}
             */
            type: "image" | "text" | "interrogation";
        };
        WorkerKudosDetails: {
            /** @description Kudos for what it generated. */
            generated: number | null;
            /** @description Kudos for being there. */
            uptime: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_single_collection_by_name: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                collection_name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResponseModelCollection"];
                };
            };
        };
    };
    get_collection: {
        parameters: {
            query?: {
                /** @description popular or age. */
                sort?: string;
                /** @description Page of 25, from 1. */
                page?: number;
                /** @description image, text or all. */
                type?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResponseModelCollection"][];
                };
            };
        };
    };
    post_collection: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InputModelCollection"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_single_collection: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                collection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResponseModelCollection"];
                };
            };
        };
    };
    delete_single_collection: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                collection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    patch_single_collection: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                collection_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InputModelCollection"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_docs_privacy: {
        parameters: {
            query?: {
                /** @description html or markdown. */
                format?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HordeDocument"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_docs_sponsors: {
        parameters: {
            query?: {
                /** @description html or markdown. */
                format?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HordeDocument"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_docs_terms: {
        parameters: {
            query?: {
                /** @description html or markdown. */
                format?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HordeDocument"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_filters: {
        parameters: {
            query?: {
                /** @description Only filters of this type. */
                filter_type?: number;
                /** @description Only filters with this text in pattern or description. */
                contains?: string;
            };
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterDetails"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    put_filters: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PutNewFilter"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterDetails"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_filters: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    filter_type?: number;
                    prompt?: string;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterPromptSuspicion"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_filter_regex: {
        parameters: {
            query?: {
                /** @description Only filters of this type. */
                filter_type?: number;
            };
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterRegex"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_filter_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                filter_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterDetails"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_filter_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                filter_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    patch_filter_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                filter_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PatchExistingFilter"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilterDetails"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_find_user: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetails"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_image_async_generate: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GenerationInputStable"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        kudos: number;
                    };
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestAsync"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description Too many calls, or too many jobs that wait. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The horde is in maintenance. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_image_async_check: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestStatusCheck"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_image_job_pop: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PopInputStable"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationPayloadStable"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_aesthetics: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AestheticsPayload"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationSubmitted"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_image_async_status: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestStatusStable"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_image_async_status: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestStatusStable"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_image_job_submit: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmitInputStable"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationSubmitted"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_text_async_generate: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GenerationInputKobold"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        kudos: number;
                    };
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestAsync"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description Too many calls, or too many jobs that wait. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The horde is in maintenance. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_text_job_pop: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PopInputKobold"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationPayloadKobold"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_text_async_status: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestStatusKobold"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_text_async_status: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestStatusKobold"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_text_job_submit: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmitInputKobold"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationSubmitted"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_interrogate: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelInterrogationInputStable"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestInterrogationResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description Too many calls, or too many jobs that wait. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The horde is in maintenance. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_interrogate_pop: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InterrogationPopInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InterrogationPopPayload"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_interrogation_status: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InterrogationStatus"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_interrogation_status: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InterrogationStatus"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_interrogate_submit: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    id?: string;
                    result?: string;
                    state?: string;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GenerationSubmitted"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_award_kudos: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    amount?: number;
                    username?: string;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KudosAwarded"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_transfer_kudos: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description A word of the caller's: a call that repeats it moves nothing again. */
                "Idempotency-Key"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    amount?: number;
                    username?: string;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KudosTransferred"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    put_operations_block_worker_ip: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddWorkerTimeout"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_operations_block_worker_ip: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_operations_ip: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IPTimeout"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_operations_ip: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddTimeoutIPInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_operations_ip: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeleteTimeoutIPInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_operations_ip_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                ipaddr: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IPTimeout"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    put_shared_key: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SharedKeyInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SharedKeyDetails"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_shared_key_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                sharedkey_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SharedKeyDetails"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_shared_key_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                sharedkey_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    patch_shared_key_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                sharedkey_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SharedKeyInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SharedKeyDetails"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_image_horde_stats_models: {
        parameters: {
            query?: {
                /** @description known, custom or all. */
                model_state?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImgModelStats"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_image_horde_stats_totals: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatsImgTotals"];
                };
            };
        };
    };
    get_text_horde_stats_models: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TxtModelStats"];
                };
            };
        };
    };
    get_text_horde_stats_totals: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatsTxtTotals"];
                };
            };
        };
    };
    get_heartbeat: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        active_count: number;
                        db_connection: boolean;
                        message: string;
                        queue: number;
                        threads: number;
                        version: string;
                    };
                };
            };
        };
    };
    get_models: {
        parameters: {
            query?: {
                /** @description image or text. */
                type?: string;
                /** @description Only models with at least so many threads. */
                min_count?: number;
                /** @description Only models with at most so many threads. */
                max_count?: number;
                /** @description known, custom or all. */
                model_state?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActiveModel"][];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_model_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                model_name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActiveModel"][];
                };
            };
        };
    };
    get_horde_modes: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HordeModes"];
                };
            };
        };
    };
    put_horde_modes: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    invite_only_mode?: boolean;
                    maintenance_mode?: boolean;
                    raid_mode?: boolean;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HordeModes"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_horde_news: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Newspiece"][];
                };
            };
        };
    };
    get_horde_load: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HordePerformance"];
                };
            };
        };
    };
    get_image_style: {
        parameters: {
            query?: {
                /** @description popular or age. */
                sort?: string;
                /** @description Page of 25, from 1. */
                page?: number;
                /** @description Only styles with this tag. */
                tag?: string;
                /** @description Only styles with this model. */
                model?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleStable"][];
                };
            };
        };
    };
    post_image_style: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelStyleInputStable"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_single_image_style: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleStable"];
                };
            };
        };
    };
    delete_single_image_style: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    patch_single_image_style: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelStylePatchStable"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_image_style_example: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InputStyleExamplePost"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_single_image_style_example: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
                example_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    patch_single_image_style_example: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
                example_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InputStyleExamplePost"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_single_image_style_by_name: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleStable"];
                };
            };
        };
    };
    get_text_style: {
        parameters: {
            query?: {
                /** @description popular or age. */
                sort?: string;
                /** @description Page of 25, from 1. */
                page?: number;
                /** @description Only styles with this tag. */
                tag?: string;
                /** @description Only styles with this model. */
                model?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleKobold"][];
                };
            };
        };
    };
    post_text_style: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelStyleInputKobold"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_single_text_style: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleKobold"];
                };
            };
        };
    };
    delete_single_text_style: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    patch_single_text_style: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelStylePatchKobold"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleModify"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestValidationError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_single_text_style_by_name: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                style_name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StyleKobold"];
                };
            };
        };
    };
    get_teams: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamDetails"][];
                };
            };
        };
    };
    post_teams: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateTeamInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModifyTeam"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_team_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                team_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamDetails"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_team_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                team_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedTeam"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    patch_team_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                team_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModifyTeamInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModifyTeam"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_users: {
        parameters: {
            query?: {
                /** @description Page of 25, from 1. */
                page?: number;
                /** @description kudos or age. */
                sort?: string;
            };
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetails"][];
                };
            };
        };
    };
    get_user_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetails"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    put_user_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModifyUserInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModifyUser"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_user_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_workers: {
        parameters: {
            query?: {
                /** @description image, text or interrogation. */
                type?: string;
                /** @description Name of a worker. */
                name?: string;
            };
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerDetails"][];
                };
            };
        };
    };
    get_worker_messages: {
        parameters: {
            query?: {
                /** @description Number of who wrote them. */
                user_id?: string;
                /** @description Id of the worker that they are to. */
                worker_id?: string;
                /** @description active, expired or all. */
                validity?: string;
                /** @description Page of 50, from 1. */
                page?: number;
            };
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResponseModelMessage"][];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    post_worker_messages: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResponseModelMessage"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResponseModelMessage"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_single_worker_message: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                message_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResponseModelMessage"];
                };
            };
        };
    };
    delete_single_worker_message: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                message_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimpleResponse"];
                };
            };
        };
    };
    get_worker_single_name: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                worker_name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerDetails"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    get_worker_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerDetails"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    put_worker_single: {
        parameters: {
            query?: never;
            header: {
                /** @description Key of an account; 0000000000 is the anonymous one. */
                apikey: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModifyWorkerInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModifyWorker"];
                };
            };
            /** @description The call is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
    delete_worker_single: {
        parameters: {
            query?: never;
            header?: {
                /** @description Key of an account. */
                apikey?: string;
                /** @description The client: name:version:contact. */
                "Client-Agent"?: string;
                /** @description Mask: the fields of the answer that are wanted. */
                "X-Fields"?: string;
            };
            path: {
                worker_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedWorker"];
                };
            };
            /** @description There is no such API key. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description The caller may not do this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
            /** @description There is nothing of that id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestError"];
                };
            };
        };
    };
}
